"""Decision fusion: the senses' calibrated posteriors into one estimate that moves steadily.

A logarithmic opinion pool (Genest & Zidek, "Combining probability distributions", Statistical Science 1986): a
product of the posteriors, each raised to how far its sense is trusted at this moment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.emotions import COUNT, LABELS, NEUTRAL, valence_arousal
from edge.fusion.evidence import Evidence, Opinion
from edge.observation import SENSES, Contribution, Estimate, Observation, Sense

_SILENT: Final[Mapping[Sense, str]] = {"face": "no face", "voice": "silence", "words": "no words"}

_PRIOR: Final = np.log(np.where(np.arange(COUNT) == NEUTRAL, 0.28, 0.72 / (COUNT - 1)))
"""What is assumed of someone of whom nothing is known: most people are neutral most of the time."""


class DecisionFusion:
    """Takes observations as they come, gives estimates when asked. Times must not run backwards by more than
    the senses' memories. Not thread-safe."""

    def __init__(self, settings: config.Fusion) -> None:
        self._trust: dict[Sense, float] = {
            "face": settings.face_trust,
            "voice": settings.voice_trust,
            "words": settings.words_trust,
        }
        self._evidence: dict[Sense, Evidence] = {
            "face": Evidence(settings.face_memory_s),
            "voice": Evidence(settings.voice_memory_s),
            "words": Evidence(settings.words_memory_s),
        }
        self._conditions: dict[Sense, str | None] = dict.fromkeys(SENSES)
        self._smoothing = settings.smoothing_s
        self._margin = settings.switch_margin
        self._person = 0
        self._pool = _PRIOR.copy()
        self._pooled_at: float | None = None
        self._label = LABELS[NEUTRAL]

    def attend(self, person: int | None) -> None:
        """From now on the estimate is about the person with this track id; None leaves it as it is.

        What another person's face said is forgotten, and so is the estimate that had been made of it; voice and words
        cannot be told apart and stay.
        """
        if person is not None and person != self._person:
            self._evidence["face"].clear()
            if self._person:
                self._pool, self._label = _PRIOR.copy(), LABELS[NEUTRAL]
            self._person = person

    def report(self, sense: Sense, condition: str | None) -> None:
        """Why `sense` says nothing just now (`no face`, `camera gone: …`); None where it is well."""
        self._conditions[sense] = condition

    def add(self, observation: Observation) -> None:
        """An observation of a person who is not attended to is left out."""
        if observation.person in (0, self._person):
            self._evidence[observation.sense].add(observation)

    def estimate(self, now: float) -> Estimate:
        """The estimate at `now` (seconds)."""
        opinions: dict[Sense, Opinion | None] = {sense: self._evidence[sense].opinion(now) for sense in SENSES}
        weights = {
            sense: self._trust[sense] * opinion.quality * opinion.freshness if opinion else 0.0
            for sense, opinion in opinions.items()
        }
        total = sum(weights.values())
        pool = max(0.0, 1.0 - total) * _PRIOR
        for sense, opinion in opinions.items():
            if opinion is not None:
                pool = pool + weights[sense] * opinion.log_posterior
        posterior = self._smooth(pool, now)
        valence, arousal = valence_arousal(posterior)
        return Estimate(
            captured_at=now,
            label=self._decide(posterior),
            posterior=tuple(float(p) for p in posterior),
            valence=valence,
            arousal=arousal,
            contributions=tuple(
                self._contribution(sense, opinions[sense], weights[sense] / total if total > 0 else 0.0)
                for sense in SENSES
            ),
            person=self._person,
        )

    def _smooth(self, pool: NDArray[np.float64], now: float) -> NDArray[np.float64]:
        step = max(0.0, now - self._pooled_at) if self._pooled_at is not None else 0.0
        share = 1.0 - np.exp(-step / self._smoothing)
        self._pool = self._pool + share * (pool - self._pool)
        self._pooled_at = now
        exponential = np.exp(self._pool - self._pool.max())
        return np.asarray(exponential / exponential.sum())

    def _decide(self, posterior: NDArray[np.float64]) -> str:
        best = int(posterior.argmax())
        if posterior[best] > posterior[LABELS.index(self._label)] + self._margin:
            self._label = LABELS[best]
        return self._label

    def _contribution(self, sense: Sense, opinion: Opinion | None, share: float) -> Contribution:
        if opinion is not None:
            return Contribution(
                sense=sense,
                weight=share,
                quality=opinion.quality,
                age=opinion.age,
                posterior=tuple(float(p) for p in np.exp(opinion.log_posterior)),
            )
        reason = self._conditions[sense] or ("stale" if self._evidence[sense].ever else _SILENT[sense])
        return Contribution(sense=sense, weight=0.0, quality=0.0, age=None, posterior=None, missing=reason)
