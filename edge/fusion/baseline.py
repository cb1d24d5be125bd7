"""How one person's neutral face or voice differs from that of the population, and the correction that follows.

A model reads strangers against the people it was trained on. Somebody whose neutral face looks sad to it is then sad
all the time. The baseline is the mean of the model's log-posteriors while the person is probably neutral, compared with
the same mean over the population and shrunk towards it while little is known: an empirical Bayes estimate (Efron &
Morris, "Stein's estimation rule and its competitors", JASA 68, 1973) with weight n / (n + k).

It moves the six emotions against each other and against neutral, and never the log-probability of neutral itself: a
person who never is neutral must not be read as neutral in the end.
"""

from __future__ import annotations

import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from edge.emotions import COUNT, NEUTRAL

_FLOOR: Final = 1e-3
"""Lower bound of each probability, so that one rounded zero cannot outweigh everything else in a mean of logarithms."""
_NEGLIGIBLE: Final = 0.01
"""A correction of which no log-probability exceeds this is left out: it changes no probability by more than 1 %."""

LogProbability = Annotated[float, Meta(ge=-50, le=0)]
"""The logarithm of a probability."""
Means = Annotated[tuple[LogProbability, ...], Meta(min_length=COUNT, max_length=COUNT)]
"""A mean log-probability of each label, in the order of `edge.emotions.LABELS`."""


class BaselineNumbers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The numbers of the baselines of one model. Amounts are seconds of a face or numbers of utterances."""

    neutral: Means
    """Mean log-posterior of the population while its emotion is neutral."""
    own_neutral: Means
    """Mean log-posterior of those of the population whom the model itself takes for neutral by `own_gate`."""
    half_amount: Annotated[float, Meta(gt=0, le=3600)]
    """Amount of neutral evidence at which the baseline has half of its final weight: k in n / (n + k)."""
    most_amount: Annotated[float, Meta(gt=0, le=36000)]
    """Amount beyond which older evidence fades, so that the baseline follows a person who changes slowly."""
    strength: Annotated[float, Meta(ge=0, le=1)]
    """Share of the person's deviation from the population that is subtracted in the end."""
    bound: Annotated[float, Meta(ge=0, le=5)]
    """Largest correction of a log-probability, in nats."""
    other_gate: Annotated[float, Meta(ge=0, le=1)]
    """Probability of neutral by the other senses above which an observation counts as neutral."""
    own_floor: Annotated[float, Meta(ge=0, le=1)]
    """Probability of neutral by the observation itself below which the other senses are not believed."""
    own_gate: Annotated[float, Meta(ge=0, le=1)]
    """Probability of neutral by the observation itself above which it counts as neutral, where no other sense knows."""
    least_quality: Annotated[float, Meta(ge=0, le=1)]
    """Observations of lower quality teach nothing."""


class Baseline:
    """What is known of one person's neutral state in one sense. Bounded in size and effect; not thread-safe."""

    __slots__ = ("_amount", "_correction", "_factors", "_numbers", "_sum")

    def __init__(self, numbers: BaselineNumbers) -> None:
        self._numbers = numbers
        self._sum = [0.0] * COUNT
        self._amount = 0.0
        self._correction: tuple[float, ...] | None = None
        self._factors: tuple[float, ...] = ()
        """What each probability is multiplied with, where there is a correction."""

    @property
    def strength(self) -> float:
        """Share 0…1 of the person's deviation that is subtracted now: 0 at first, up to `strength` of the numbers."""
        return self._numbers.strength * self._amount / (self._amount + self._numbers.half_amount)

    @property
    def correction(self) -> tuple[float, ...] | None:
        """What is subtracted from the seven log-probabilities, at most `bound` each; None while it is negligible."""
        return self._correction

    def learn(
        self, posterior: tuple[float, ...], quality: float, amount: float, other_neutral: float | None = None
    ) -> bool:
        """Takes an observation into account if the person was probably neutral and the observation is good enough.

        Args:
            posterior: (7,) what the model gave, without a correction.
            quality: Quality of the observation, 0…1.
            amount: Seconds of the face that it stands for, or 1 for an utterance.
            other_neutral: Probability of neutral by the other senses; None if they know nothing.

        Returns:
            Whether the baseline has learnt from it.
        """
        numbers = self._numbers
        own = posterior[NEUTRAL]
        neutral, gate = (own, numbers.own_gate) if other_neutral is None else (other_neutral, numbers.other_gate)
        if quality < numbers.least_quality or neutral <= gate or own < numbers.own_floor or amount <= 0:
            return False
        weight = neutral * quality * amount
        reference = numbers.own_neutral if other_neutral is None else numbers.neutral
        fading = min(1.0, numbers.most_amount / (self._amount + weight))
        self._amount = fading * (self._amount + weight)
        self._sum = [
            fading * (before + weight * (math.log(max(p, _FLOOR)) - usual))
            for before, p, usual in zip(self._sum, posterior, reference, strict=True)
        ]
        scale, bound = numbers.strength / (self._amount + numbers.half_amount), numbers.bound
        correction = [min(max(scale * each, -bound), bound) for each in self._sum]
        correction[NEUTRAL] = 0.0
        if max(map(abs, correction)) > _NEGLIGIBLE:
            self._correction, self._factors = tuple(correction), tuple(math.exp(-each) for each in correction)
        else:
            self._correction = None
        return True

    def correct(self, posterior: tuple[float, ...]) -> tuple[float, ...]:
        """The posterior, (7,), as it would be if this person's neutral state were that of the population."""
        if self._correction is None:
            return posterior
        corrected = [max(p, _FLOOR) * factor for p, factor in zip(posterior, self._factors, strict=True)]
        total = sum(corrected)
        return tuple(p / total for p in corrected)
