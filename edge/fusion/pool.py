"""A logarithmic opinion pool with temporal smoothing.

The pool (Genest & Zidek, "Combining probability distributions", Statistical Science 1986) is the product of the senses'
posteriors, each raised to the power of its sense's current weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS, NEUTRAL
from edge.fusion.evidence import Opinion
from edge.observation import Sense

PRIOR: Final = np.log(np.where(np.arange(COUNT) == NEUTRAL, 0.28, 0.72 / (COUNT - 1)))
"""Prior log-probabilities, (7,), of a person without evidence: most people are neutral most of the time."""


def log_pool(opinions: Mapping[Sense, Opinion], weights: Mapping[Sense, float]) -> NDArray[np.float64]:
    """The weighted sum of log-posteriors, (7,), not normalised.

    Args:
        opinions: Sense → its opinion; senses without an opinion are absent.
        weights: Sense → weight, 0…1, for each sense in `opinions`. The prior gets the remainder to 1; it gets no weight
            if they add up to more than 1.
    """
    prior_share = max(0.0, 1.0 - sum(weights[sense] for sense in opinions))
    pooled = prior_share * PRIOR
    for sense, opinion in opinions.items():
        pooled = pooled + weights[sense] * opinion.log_posterior
    return pooled


class SteadyPosterior:
    """Smooths a pool over time and changes the label only by a margin (hysteresis)."""

    def __init__(self, smoothing_s: float, margin: float) -> None:
        """`smoothing_s`: time constant in seconds; `margin`: by how much another label must be more probable, 0…1."""
        self._smoothing_s = smoothing_s
        self._margin = margin
        self._pool = PRIOR.copy()
        self._updated_at: float | None = None
        self.label = LABELS[NEUTRAL]
        """The present label."""

    def take_over(self, other: SteadyPosterior) -> None:
        """Copies the state of `other`."""
        self._pool, self._updated_at, self.label = other._pool.copy(), other._updated_at, other.label

    def restart(self, other: SteadyPosterior) -> None:
        """Resets to the prior, at the time of the last update of `other`."""
        self._pool, self._updated_at, self.label = PRIOR.copy(), other._updated_at, LABELS[NEUTRAL]

    def follow(self, pool: NDArray[np.float64], now: float) -> NDArray[np.float64]:
        """Moves towards `pool` until `now` (seconds), updates `label` and returns the posterior, (7,).

        A time before the last update leaves the posterior unchanged.
        """
        step = max(0.0, now - self._updated_at) if self._updated_at is not None else 0.0
        share = 1.0 - np.exp(-step / self._smoothing_s)
        self._pool = self._pool + share * (pool - self._pool)
        self._updated_at = now
        exponential = np.exp(self._pool - self._pool.max())
        posterior = np.asarray(exponential / exponential.sum())
        best = int(posterior.argmax())
        if posterior[best] > posterior[LABELS.index(self.label)] + self._margin:
            self.label = LABELS[best]
        return posterior
