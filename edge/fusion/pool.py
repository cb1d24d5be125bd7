"""A logarithmic opinion pool that moves steadily.

The pool (Genest & Zidek, "Combining probability distributions", Statistical Science 1986) is a product of the senses'
posteriors, each raised to how far its sense is trusted at this moment.
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
"""Log-probabilities, (7,), of a person nothing is known about: most people are neutral most of the time."""


def log_pool(opinions: Mapping[Sense, Opinion], weights: Mapping[Sense, float]) -> NDArray[np.float64]:
    """The weighted sum of log-posteriors, (7,), not normalised.

    Args:
        opinions: What each sense says; senses without an opinion are absent.
        weights: 0…1 for each sense in `opinions`. What they leave of 1 goes to the prior; weights that add up to more
            than 1 leave nothing for it.
    """
    prior_share = max(0.0, 1.0 - sum(weights[sense] for sense in opinions))
    pooled = prior_share * PRIOR
    for sense, opinion in opinions.items():
        pooled = pooled + weights[sense] * opinion.log_posterior
    return pooled


class SteadyPosterior:
    """Follows a pool with a time constant and changes its label only by a margin."""

    def __init__(self, smoothing_s: float, margin: float) -> None:
        """`smoothing_s`: time constant in seconds; `margin`: how much more probable another label must be, 0…1."""
        self._smoothing_s = smoothing_s
        self._margin = margin
        self._pool = PRIOR.copy()
        self._moved_at: float | None = None
        self.label = LABELS[NEUTRAL]

    def take_over(self, other: SteadyPosterior) -> None:
        """Goes on from where `other` is."""
        self._pool, self._moved_at, self.label = other._pool.copy(), other._moved_at, other.label

    def restart(self, other: SteadyPosterior) -> None:
        """Begins with the prior, at the moment at which `other` last moved."""
        self._pool, self._moved_at, self.label = PRIOR.copy(), other._moved_at, LABELS[NEUTRAL]

    def follow(self, pool: NDArray[np.float64], now: float) -> NDArray[np.float64]:
        """The posterior, (7,), after moving towards `pool` until `now` (seconds); a clock that runs back moves nothing.

        Updates `label`.
        """
        step = max(0.0, now - self._moved_at) if self._moved_at is not None else 0.0
        share = 1.0 - np.exp(-step / self._smoothing_s)
        self._pool = self._pool + share * (pool - self._pool)
        self._moved_at = now
        exponential = np.exp(self._pool - self._pool.max())
        posterior = np.asarray(exponential / exponential.sum())
        best = int(posterior.argmax())
        if posterior[best] > posterior[LABELS.index(self.label)] + self._margin:
            self.label = LABELS[best]
        return posterior
