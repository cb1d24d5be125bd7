"""Combines the senses' beliefs into one posterior, and measures how they contradict each other.

Given the emotion, the senses' errors are taken as independent, so their likelihoods multiply. A sense is reliable only
with some probability, its `trust`; otherwise its belief says nothing. So each factor of the product is a mixture of the
belief and of the uniform distribution, which bounds what one sense can do (Box & Tiao, Biometrika 55, 1968).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.fusion.evidence import Opinion
from edge.observation import SENSES, Sense

_SMALLEST: Final = 1e-12
"""Lower bound of a factor of the product, so that its logarithm is finite."""

_PAIRS: Final = {count: np.triu_indices(count, 1) for count in range(2, len(SENSES) + 1)}
"""Number of senses → the two indices of each pair of them."""


def factors(beliefs: NDArray[np.float64], certain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Likelihood ratios of the labels, (k, 7), each row with the mean 1.

    Args:
        beliefs: (k, 7) prior-free beliefs of k senses.
        certain: (k,) probability that a belief is reliable and still true, 0…1.
    """
    return np.maximum(1.0 + certain[:, None] * (COUNT * beliefs - 1.0), _SMALLEST)


def product(likelihoods: NDArray[np.float64], log_prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Posterior, (7,), from likelihood ratios of k senses, (k, 7), and the logarithm of the prior, (7,)."""
    log = log_prior + np.log(likelihoods).sum(0)
    found = np.exp(log - log.max())
    return np.asarray(found / found.sum())


def agreement(likelihoods: NDArray[np.float64], beliefs: NDArray[np.float64]) -> NDArray[np.float64]:
    """How well each sense agrees with all others, (k,): the likelihood ratio of its being reliable or not.

    Args:
        likelihoods: (k, 7) likelihood ratios of the labels by each sense.
        beliefs: (k, 7) prior-free beliefs of the same senses.

    Returns:
        1 where the others say nothing, up to 7 for perfect agreement, towards 0 for contradiction.
    """
    logs = np.log(likelihoods)
    others = logs.sum(0) - logs
    found = np.exp(others - others.max(1, keepdims=True))
    found /= found.sum(1, keepdims=True)
    return np.asarray(COUNT * (found * beliefs).sum(1))


def information(likelihoods: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each sense says about the emotion, (k,): divergence of its likelihoods from the uniform one, nats."""
    shares = likelihoods / COUNT
    return np.asarray((shares * np.log(likelihoods)).sum(1))


def conflict(senses: Sequence[Sense], likelihoods: NDArray[np.float64]) -> tuple[float, tuple[Sense, Sense] | None]:
    """How much the two most contradictory senses contradict each other, and which they are; 0 with fewer than two.

    The amount is the Jensen–Shannon divergence of what the two say (Lin, IEEE Trans. Inf. Theory 37, 1991), in bits: 0
    for equal beliefs, 1 for beliefs that exclude each other. An unreliable, poor or old belief is flat, so it conflicts
    little.

    Args:
        senses: The k senses.
        likelihoods: (k, 7) likelihood ratios of the labels by each sense, with the mean 1.
    """
    if len(senses) < 2:
        return 0.0, None
    shares = likelihoods / COUNT
    entropies = -(shares * np.log2(shares)).sum(1)
    first, second = _PAIRS[len(senses)]
    middle = (shares[first] + shares[second]) / 2
    found = -(middle * np.log2(middle)).sum(1) - (entropies[first] + entropies[second]) / 2
    worst = int(found.argmax())
    return min(1.0, max(0.0, float(found[worst]))), (senses[first[worst]], senses[second[worst]])


def second_label(posterior: NDArray[np.float64], least: float) -> str | None:
    """The second most probable label where two feelings are likely at once; None where one dominates.

    Args:
        posterior: (7,) probabilities.
        least: Share of the two most probable labels' probability that the second must have.
    """
    second, first = np.argsort(posterior, kind="stable")[-2:]
    share = float(posterior[second] / (posterior[first] + posterior[second]))
    return LABELS[second] if share >= least else None


def certainty(opinions: Mapping[Sense, Opinion]) -> NDArray[np.float64]:
    """Probability that each belief is reliable and still true, (k,), before the online trust."""
    return np.array([opinion.freshness * (1.0 - opinion.unreliable) for opinion in opinions.values()])
