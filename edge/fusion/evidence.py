"""Accumulates the recent observations of one sense into one belief about the emotion that fades with age.

Each posterior becomes a likelihood: the prior that its model implies is divided out, and the model's confusions, learnt
on validation data, are undone (`edge.fusion.parameters.Reliability`). The likelihoods of one sense are averaged in the
log domain, because its observations share errors: frames of one face do not multiply. Between observations the belief
follows the forward algorithm of a hidden Markov model in continuous time (Rabiner, Proc. IEEE 77, 1989): with each
moment it becomes likelier that the emotion has changed since.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from typing import Final

import numpy as np

from edge.emotions import COUNT
from edge.fusion.parameters import Reliability, SenseNumbers
from edge.observation import Observation

FLOOR: Final = 1.0 / 512
"""Lower bound of each probability of a posterior: an int8 output of 0 means less than half a step of 1/256."""
_SUMS: Final = COUNT + 3
"""Length of the weighted sums: log-likelihoods, weight, quality, number of observations."""
_MIN_WEIGHT: Final = 1e-3
"""Minimum weight of an observation in the mean, because observations of quality 0 alone would give 0/0."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A sense's belief at one moment."""

    belief: tuple[float, ...]
    """Seven probabilities of the labels if all were equally likely before, as of the newest observation."""
    quality: float
    """Mean quality of the observations, 0…1; recent ones weigh more."""
    age: float
    """Seconds since the newest observation; 0 for one from the future."""
    freshness: float
    """Probability that the emotion has not changed since the newest observation, 0…1."""
    unreliable: float
    """Probability that the belief says nothing about the emotion, 0…1, before its age is considered."""

    @property
    def posterior(self) -> tuple[float, ...]:
        """Seven probabilities in the order of `edge.emotions.LABELS`."""
        return self.belief


class Likelihood:
    """Converts the posteriors of one model to log-likelihoods of the labels."""

    def __init__(self, reliability: Reliability) -> None:
        matrix = np.asarray(reliability.matrix, np.float64)
        offset = np.asarray(reliability.bias) - matrix @ np.log(np.asarray(reliability.prior))
        # The mean over the labels is subtracted here, once, so that it is 0 in all results.
        self._matrix = (matrix - matrix.mean(0)).tolist()
        self._offset = (offset - offset.mean()).tolist()

    def log(self, posterior: Sequence[float]) -> list[float]:
        """Log-likelihoods of the seven labels, whose mean is 0."""
        given = [max(p, FLOOR) for p in posterior]
        total = math.log(sum(given))
        logs = [math.log(p) - total for p in given]
        return [sum(map(mul, row, logs)) + offset for row, offset in zip(self._matrix, self._offset, strict=True)]


class Evidence:
    """The observations of one sense, of one person or of the scene. Not thread-safe."""

    def __init__(self, numbers: SenseNumbers, reliability: Reliability) -> None:
        """Starts without observations.

        Args:
            numbers: The numbers of the sense.
            reliability: The reliability of the model in use.
        """
        self._numbers = numbers
        self._likelihood = Likelihood(reliability)
        self.clear()

    def clear(self) -> None:
        """Discards all observations."""
        self._sums = [0.0] * _SUMS
        self._summed_at: float | None = None
        self._interim: tuple[float, list[float]] | None = None
        self._newest_at: float | None = None
        self._opinion: tuple[tuple[float, ...], float] | None = None

    def add(self, observation: Observation, posterior: tuple[float, ...] | None = None) -> None:
        """Adds an observation. One that is older than the newest is down-weighted by the difference.

        An interim observation gives way to the next one, because that describes the same utterance more completely.

        Args:
            observation: The observation.
            posterior: Its posterior corrected by the person's baseline, (7,); None for that of the observation.
        """
        at = observation.captured_at
        if self._newest_at is not None and at < self._newest_at and not observation.final:
            return
        if self._newest_at is None or at >= self._newest_at:
            self._newest_at = at
            self._interim = None
        self._opinion = None
        weight = max(observation.quality**self._numbers.quality_exponent, _MIN_WEIGHT)
        logs = self._likelihood.log(observation.posterior if posterior is None else posterior)
        item = [*(weight * log for log in logs), weight, observation.quality, 1.0]
        if observation.final:
            self._sums, self._summed_at = self._with(at, item)
        else:
            self._interim = (at, item)

    def _with(self, at: float, item: list[float]) -> tuple[list[float], float]:
        """The sums with one more observation, and the time that they refer to."""
        step = 0.0 if self._summed_at is None else at - self._summed_at
        fading = math.exp(-abs(step) / self._numbers.memory_s)
        if step < 0 and self._summed_at is not None:
            return [before + fading * new for before, new in zip(self._sums, item, strict=True)], self._summed_at
        return [fading * before + new for before, new in zip(self._sums, item, strict=True)], at

    def opinion(self, now: float) -> Opinion | None:
        """The belief at `now` (seconds); None without an observation, or if the newest is stale."""
        if self._newest_at is None:
            return None
        age = max(0.0, now - self._newest_at)
        if age > self._numbers.stale_s:
            return None
        if self._opinion is None:
            self._opinion = self._believe()
        belief, quality = self._opinion
        return Opinion(belief, quality, age, math.exp(-age / self._numbers.stay_s), self._numbers.unreliable)

    def _believe(self) -> tuple[tuple[float, ...], float]:
        """Belief and quality as of the newest observation."""
        sums = self._sums if self._interim is None else self._with(*self._interim)[0]
        weight, quality, count = sums[COUNT:]
        quality = min(1.0, quality / count)
        strength = quality**self._numbers.quality_exponent * max(1.0, count) ** self._numbers.independence
        scale, highest = strength / weight, max(sums[:COUNT])
        belief = [math.exp(scale * (log - highest)) for log in sums[:COUNT]]
        total = sum(belief)
        return tuple(p / total for p in belief), quality

    @property
    def ever(self) -> bool:
        """Whether an observation was added since the last `clear`."""
        return self._newest_at is not None
