"""The recent observations of one sense, condensed into one opinion that fades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT
from edge.observation import Observation

_FLOOR: Final = 0.01
"""No sense may rule a label out: an int8 output of 0 is not a probability of 0."""

STALE_AFTER: Final = 3.0
"""In units of the sense's memory."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """A sense's opinion at one moment."""

    log_posterior: NDArray[np.float64]
    """(7,), normalised."""
    quality: float
    """0…1, the mean of what was seen, the newest weighing most."""
    age: float
    """Seconds since the newest observation."""
    freshness: float
    """0…1, falls to 1/e within the memory of the sense."""

    @property
    def posterior(self) -> tuple[float, ...]:
        """Seven probabilities in the order of `edge.emotions.LABELS`."""
        return tuple(float(p) for p in np.exp(self.log_posterior))


class Evidence:
    """An exponentially forgotten mean of log-posteriors, each weighted by its quality."""

    def __init__(self, memory: float) -> None:
        """`memory`: seconds after which an observation counts 1/e of a new one."""
        self._memory = memory
        self.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self._weighted = np.zeros(COUNT)
        self._weight = 0.0
        self._quality = 0.0
        self._count = 0.0
        self._newest: float | None = None

    def add(self, observation: Observation) -> None:
        """An observation older than the newest one counts as that much less."""
        if self._newest is None:
            self._newest = observation.captured_at
        step = observation.captured_at - self._newest
        if step >= 0:
            self._fade(np.exp(-step / self._memory))
            self._newest = observation.captured_at
            share = 1.0
        else:
            share = float(np.exp(step / self._memory))
        posterior = np.maximum(np.asarray(observation.posterior, np.float64), _FLOOR)
        # A worthless observation still leaves a trace, else an opinion of only such would be 0/0.
        weight = share * max(observation.quality, 1e-3)
        self._weighted += weight * np.log(posterior / posterior.sum())
        self._weight += weight
        self._quality += share * observation.quality
        self._count += share

    def _fade(self, factor: float) -> None:
        self._weighted *= factor
        self._weight *= factor
        self._quality *= factor
        self._count *= factor

    def opinion(self, now: float) -> Opinion | None:
        """The opinion at `now` (seconds); None where nothing was ever said or the last is stale."""
        if self._newest is None:
            return None
        age = max(0.0, now - self._newest)
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
        """Whether there was an observation since the last `clear`."""
        return self._newest is not None
