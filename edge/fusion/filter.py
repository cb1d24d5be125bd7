"""Follows the emotion of one person, or of the scene, through time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge.emotions import COUNT, LABELS, NEUTRAL
from edge.fusion import pool
from edge.fusion.affect import Affect, fuse
from edge.fusion.evidence import Opinion
from edge.fusion.parameters import Parameters
from edge.fusion.trust import Trust
from edge.observation import Sense

_LONGEST_STEP_S: Final = 0.5
"""Longest time in seconds for which one estimate counts as evidence for a change of the label."""
_SMALLEST: Final = 1e-9
"""Lower bound of a probability in the logarithm."""


@dataclass(frozen=True, slots=True)
class Fused:
    """The result of all senses at one moment."""

    posterior: tuple[float, ...]
    """Seven probabilities in the order of `edge.emotions.LABELS`."""
    label: str
    """The reported label. It may differ from the most probable one, which has not led for long enough yet."""
    valence: float
    """Expected valence, −1…1."""
    arousal: float
    """Expected arousal, −1…1."""
    weights: Mapping[Sense, float]
    """Sense → share in all evidence, 0…1; senses without evidence are absent."""
    trust: Mapping[Sense, float]
    """Sense → online trust, 0…1; 1 unless the sense has kept contradicting the others."""
    second: str | None
    """A second emotion that is felt beside `label`; None if one emotion explains the evidence."""
    conflict: float
    """Disagreement of the two senses that differ most, 0 (none) to 1 (each is sure of another emotion)."""
    conflict_between: tuple[Sense, Sense] | None
    """The two senses of `conflict`, in the order of `opinions`; None with fewer than two."""


class EmotionFilter:
    """Combines the opinions of the senses about one person at successive moments. Not thread-safe."""

    def __init__(
        self, parameters: Parameters, prior: tuple[float, ...] | None = None, trust: Trust | None = None
    ) -> None:
        """Starts with the label neutral.

        Args:
            parameters: The numbers of the fusion.
            prior: How often each of the seven labels occurs in this robot's world; None for that of the parameters.
            trust: The trust in the senses, shared by all persons; None for one of its own.
        """
        self._prior = pool.product((), [max(p, 1e-6) for p in prior or parameters.prior])
        self._numbers = parameters.label
        self._second_share = parameters.second_share
        self._trust = trust or Trust(parameters.trust)
        self.label = LABELS[NEUTRAL]
        """The present label."""
        self._informed = False
        self._leads = [0.0] * COUNT
        self._decided_at: float | None = None

    def take_over(self, other: EmotionFilter) -> None:
        """Copies the label of `other`, and how far others lead before it."""
        self.label, self._informed = other.label, other._informed
        self._leads, self._decided_at = list(other._leads), other._decided_at

    def combine(
        self,
        opinions: Mapping[Sense, Opinion],
        now: float,
        affects: Mapping[Sense, Affect] | None = None,
        joint: Sequence[float] | None = None,
    ) -> Fused:
        """Fuses the opinions and updates the label and the trust in the senses.

        The trust is updated once for each moment; a time before the last one leaves it as it is.

        Args:
            opinions: Sense → its opinion at `now`; senses without one are absent.
            now: Seconds.
            affects: Sense → valence and arousal that its model measured itself; senses without are absent.
            joint: (7,) log-likelihoods of the labels by all senses at once (`edge.fusion.feature_level`), which replace
                the product of the senses' own; None for that product.
        """
        senses = tuple(opinions)
        beliefs = [opinion.belief for opinion in opinions.values()]
        certain = pool.certainty(opinions)
        trust = self._trust.of(senses)
        likelihoods = pool.factors(beliefs, [sure * trusted for sure, trusted in zip(certain, trust, strict=True)])
        untrusting = likelihoods if all(trusted == 1.0 for trusted in trust) else pool.factors(beliefs, certain)
        if len(senses) > 2 and self._trust.due(now):
            shares = [[ratio / COUNT for ratio in row] for row in untrusting]
            ages = [opinion.age for opinion in opinions.values()]
            self._trust.update(senses, pool.agreement(likelihoods, shares), ages, now)
        joined = likelihoods if joint is None else [[math.exp(log) for log in joint]]
        posterior = pool.product(joined, self._prior)
        self._decide(posterior, now, informed=bool(senses))
        told = pool.information(likelihoods)
        total = sum(told)
        valence, arousal = fuse(posterior, affects or {})
        amount, between = pool.conflict(senses, untrusting)
        return Fused(
            posterior=tuple(posterior),
            label=self.label,
            valence=valence,
            arousal=arousal,
            weights={sense: w / total if total > 0 else 0.0 for sense, w in zip(senses, told, strict=True)},
            trust=dict(zip(senses, trust, strict=True)),
            second=self._second(posterior) if senses else None,
            conflict=amount,
            conflict_between=between,
        )

    def posterior(self, opinions: Mapping[Sense, Opinion]) -> tuple[float, ...]:
        """The posterior, (7,), that follows from other opinions with the present trust. It changes nothing."""
        trust = self._trust.of(tuple(opinions))
        certain = [sure * trusted for sure, trusted in zip(pool.certainty(opinions), trust, strict=True)]
        likelihoods = pool.factors([opinion.belief for opinion in opinions.values()], certain)
        return tuple(pool.product(likelihoods, self._prior))

    def _second(self, posterior: list[float]) -> str | None:
        """The second emotion beside `label`, which is the most probable one until `label` follows it."""
        found = pool.second_label(posterior, self._second_share)
        return LABELS[posterior.index(max(posterior))] if found == self.label else found

    def _decide(self, posterior: list[float], now: float, *, informed: bool) -> None:
        """Changes the label once the evidence that another one is true has become large enough.

        Page's test (Biometrika 41, 1954): the lead of each label's log-probability over that of the present label, less
        a reference value, is summed over time and never falls below 0. A clear change is reported at once, while two
        labels that are nearly as probable do not alternate. The first evidence decides at once.

        Args:
            posterior: Seven fused probabilities.
            now: Seconds.
            informed: Whether any sense has evidence.
        """
        step = 0.0 if self._decided_at is None else min(max(0.0, now - self._decided_at), _LONGEST_STEP_S)
        self._decided_at = now if self._decided_at is None else max(now, self._decided_at)
        if informed and not self._informed:
            self._informed = True
            self._change_to(posterior.index(max(posterior)))
            return
        logs = [math.log(max(p, _SMALLEST)) for p in posterior]
        least = logs[LABELS.index(self.label)] + self._numbers.lead_nats
        self._leads = [max(0.0, lead + step * (log - least)) for lead, log in zip(self._leads, logs, strict=True)]
        leading = [index for index, lead in enumerate(self._leads) if lead >= self._numbers.evidence_nat_s]
        if leading:
            self._change_to(max(leading, key=posterior.__getitem__))

    def _change_to(self, label: int) -> None:
        self.label = LABELS[label]
        self._leads = [0.0] * COUNT
