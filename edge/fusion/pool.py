"""Combines the senses' beliefs into one posterior, and measures how they contradict each other.

Given the emotion, the senses' errors are taken as independent, so their likelihoods multiply. A sense is reliable only
with some probability, its `trust`; otherwise its belief says nothing. So each factor of the product is a mixture of the
belief and of the uniform distribution, which bounds what one sense can do (Box & Tiao, Biometrika 55, 1968).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from operator import mul
from typing import Final, TypeAlias

from edge.emotions import COUNT, LABELS, UNIFORM
from edge.fusion.evidence import Opinion
from edge.observation import Sense

_SMALLEST: Final = 1e-12
"""Lower bound of a factor of the product, so that its logarithm is finite and products of three stay above 0."""

Row: TypeAlias = Sequence[float]
"""Seven values in the order of `edge.emotions.LABELS`.

All computations here are on a handful of numbers, for which plain Python takes a third of the time of NumPy.
"""


def factors(beliefs: Sequence[Row], certain: Sequence[float]) -> list[list[float]]:
    """Likelihood ratios of the labels by each of k senses, each row with the mean 1.

    Args:
        beliefs: Prior-free beliefs of the k senses.
        certain: Probability of each sense that its belief is reliable and still true, 0…1.
    """
    found = []
    for belief, sure in zip(beliefs, certain, strict=True):
        slope, floor = COUNT * sure, 1.0 - sure
        found.append([max(floor + slope * p, _SMALLEST) for p in belief])
    return found


def product(likelihoods: Sequence[Row], prior: Row) -> list[float]:
    """Posterior from the likelihood ratios of k senses and the prior; k up to 3 cannot underflow."""
    found = list(prior)
    for row in likelihoods:
        found = list(map(mul, found, row))
    total = sum(found)
    return [p / total for p in found]


def agreement(likelihoods: Sequence[Row], beliefs: Sequence[Row]) -> list[float]:
    """How well each of k senses agrees with all others: the likelihood ratio of its being reliable or not.

    Args:
        likelihoods: Likelihood ratios of the labels by each sense.
        beliefs: Prior-free beliefs of the same senses.

    Returns:
        1 where the others say nothing, up to 7 for perfect agreement, towards 0 for contradiction.
    """
    found = []
    for number, belief in enumerate(beliefs):
        others = product([*likelihoods[:number], *likelihoods[number + 1 :]], UNIFORM)
        found.append(COUNT * sum(map(mul, others, belief)))
    return found


def information(likelihoods: Sequence[Row]) -> list[float]:
    """What each of k senses says about the emotion: divergence of its likelihoods from the uniform one, nats."""
    return [sum(map(mul, row, map(math.log, row))) / COUNT for row in likelihoods]


def conflict(senses: Sequence[Sense], likelihoods: Sequence[Row]) -> tuple[float, tuple[Sense, Sense] | None]:
    """How much the two most contradictory senses contradict each other, and these two; (0, None) with fewer than two.

    The amount is the Jensen–Shannon divergence of what the two say (Lin, IEEE Trans. Inf. Theory 37, 1991), in bits: 0
    for equal beliefs, 1 for beliefs that exclude each other. An unreliable, poor or old belief is flat, so it conflicts
    little.

    Args:
        senses: The k senses.
        likelihoods: Likelihood ratios of the labels by each sense, with the mean 1.
    """
    if len(senses) < 2:
        return 0.0, None
    entropies = [-sum(map(mul, row, map(math.log2, row))) for row in likelihoods]
    pairs = []
    for first, second in combinations(range(len(senses)), 2):
        middle = [(a + b) / 2 for a, b in zip(likelihoods[first], likelihoods[second], strict=True)]
        between = -sum(map(mul, middle, map(math.log2, middle))) - (entropies[first] + entropies[second]) / 2
        pairs.append((between / COUNT, (senses[first], senses[second])))
    amount, found = max(pairs, key=lambda pair: pair[0])
    return min(1.0, max(0.0, amount)), found


def second_label(posterior: Row, least: float) -> str | None:
    """The second most probable label where two feelings are likely at once; None where one dominates.

    Args:
        posterior: Seven probabilities.
        least: Share of the two most probable labels' probability that the second must have.
    """
    second, first = sorted(range(COUNT), key=posterior.__getitem__)[-2:]
    share = posterior[second] / (posterior[first] + posterior[second])
    return LABELS[second] if share >= least else None


def certainty(opinions: Mapping[Sense, Opinion]) -> list[float]:
    """Probability of each opinion that its belief is reliable and still true, before the online trust."""
    return [opinion.freshness * (1.0 - opinion.unreliable) for opinion in opinions.values()]
