"""Products of the senses' posteriors (Genest & Zidek, Combining Probability Distributions, Stat. Sci. 1986)."""

from __future__ import annotations

from itertools import product as combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.posterior import softmax
from models.fusion.readings import Readings

POWERS: Final = tuple(float(power) for power in np.geomspace(0.2, 1.6, 22))
"""Exponents among which `learn` chooses."""


def fused(given: Readings, powers: tuple[float, ...]) -> NDArray[np.float64]:
    """(n, k) probabilities: the product of the posteriors, each raised to its power.

    Args:
        given: What the senses say.
        powers: One exponent for each sense.
    """
    total = sum(power * log for power, log in zip(powers, given.logs, strict=True))
    return softmax(np.asarray(total))


def plain(given: Readings) -> NDArray[np.float64]:
    """(n, k) probabilities: the product of the posteriors as they are."""
    return fused(given, (1.0,) * len(given.senses))


def loss(posterior: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """Mean negative log-likelihood in nats of (n, k) probabilities for (n,) true classes."""
    return float(-np.log(np.maximum(posterior[np.arange(len(truth)), truth], 1e-12)).mean())


def learn(given: Readings) -> tuple[float, ...]:
    """The powers with the lowest loss on these clips, of all combinations of `POWERS`."""
    return min(
        combinations(POWERS, repeat=len(given.senses)), key=lambda powers: loss(fused(given, powers), given.truth)
    )
