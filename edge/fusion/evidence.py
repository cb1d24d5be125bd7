"""Accumulates the recent observations of one sense into one opinion that decays over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT
from edge.observation import Observation

_MIN_PROBABILITY: Final = 0.01
"""Lower bound of each probability: no sense may rule a label out, since an int8 output of 0 is a rounded value."""

STALE_AFTER: Final = 3.0
"""Age, as a multiple of the sense's memory, beyond which evidence counts as stale."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A sense's opinion at one moment."""

    log_posterior: NDArray[np.float64]
    """(7,) log-probabilities, normalised."""
    quality: float
    """Mean quality of the observations, 0…1; recent ones weigh more."""
    age: float
    """Seconds since the newest observation."""
    freshness: float
    """Weight for the age, 0…1; it falls to 1/e within the memory of the sense."""

    @property
    def posterior(self) -> tuple[float, ...]:
        """Seven probabilities in the order of `edge.emotions.LABELS`."""
        return tuple(float(p) for p in np.exp(self.log_posterior))


class Evidence:
    """Exponentially weighted mean of log-posteriors, each also weighted by its quality."""

    def __init__(self, memory: float) -> None:
        """`memory`: time constant in seconds, after which an observation has 1/e of its initial weight."""
        self._memory = memory
        self.clear()

    def clear(self) -> None:
        """Discards all observations."""
        self._weighted = np.zeros(COUNT)
        self._weight = 0.0
        self._quality = 0.0
        self._count = 0.0
        self._newest_at: float | None = None

    def add(self, observation: Observation) -> None:
        """Adds an observation. One that is older than the newest is down-weighted by the age difference."""
        if self._newest_at is None:
            self._newest_at = observation.captured_at
        step = observation.captured_at - self._newest_at
        if step >= 0:
            self._decay(np.exp(-step / self._memory))
            self._newest_at = observation.captured_at
            share = 1.0
        else:
            share = float(np.exp(step / self._memory))
        posterior = np.maximum(np.asarray(observation.posterior, np.float64), _MIN_PROBABILITY)
        # A minimum weight, because observations of quality 0 alone would give an opinion of 0/0.
        weight = share * max(observation.quality, 1e-3)
        self._weighted += weight * np.log(posterior / posterior.sum())
        self._weight += weight
        self._quality += share * observation.quality
        self._count += share

    def _decay(self, factor: float) -> None:
        self._weighted *= factor
        self._weight *= factor
        self._quality *= factor
        self._count *= factor

    def opinion(self, now: float) -> Opinion | None:
        """The opinion at `now` (seconds); None without an observation, or if the newest is stale."""
        if self._newest_at is None:
            return None
        age = max(0.0, now - self._newest_at)
        if age > STALE_AFTER * self._memory:
            return None
        mean = self._weighted / self._weight
        return Opinion(
            log_posterior=mean - np.log(np.exp(mean).sum()),
            quality=min(1.0, self._quality / self._count),
            age=age,
            freshness=float(np.exp(-age / self._memory)),
        )

    @property
    def ever(self) -> bool:
        """Whether an observation was added since the last `clear`."""
        return self._newest_at is not None
