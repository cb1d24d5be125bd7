"""What is known of a person from the clips before: how the senses agreed, and what each usually says of that person.

All means run over earlier clips only, and are shrunk towards the population while few clips have been seen
(James & Stein, Estimation with quadratic loss, 1961).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.fusion.readings import Logs, Readings, normalised


def entropy(log: Logs) -> NDArray[np.float64]:
    """(n,) entropies in nats of (n, k) log-probabilities."""
    return np.asarray(-(np.exp(log) * log).sum(1))


def agreement(first: Logs, second: Logs) -> NDArray[np.float64]:
    """(n,) probabilities that two independent draws, one of each (n, k) log-posterior, are the same class."""
    return np.asarray(np.exp(first + second).sum(1))


def running_mean(
    values: NDArray[np.float64],
    counts: NDArray[np.bool_],
    order: NDArray[np.int64],
    persons: NDArray[np.str_],
    prior: NDArray[np.float64],
    strength: float,
) -> NDArray[np.float64]:
    """For each row the mean of the earlier rows of the same person, as if `strength` rows of `prior` had come first.

    Args:
        values: (n, d) values.
        counts: (n,) whether a row counts for later means.
        order: (n,) the rows in the order in which they are seen.
        persons: (n,) names of the persons.
        prior: (d,) mean of the population.
        strength: Number of rows that the prior stands for, above 0.

    Returns:
        (n, d) means.
    """
    found = np.empty_like(values)
    sums: dict[str, NDArray[np.float64]] = {}
    for row in order:
        person = str(persons[row])
        so_far = sums.setdefault(person, np.append(prior * strength, strength))
        found[row] = so_far[:-1] / so_far[-1]
        if counts[row]:
            so_far += np.append(values[row], 1.0)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Means over the training clips, towards which everything about a person is shrunk."""

    logs: tuple[NDArray[np.float64], ...]
    """(k,) mean log-posterior of each sense."""
    relations: NDArray[np.float64]
    """(1 + 2 · senses,) means of `relations`."""


def relations(readings: Readings) -> NDArray[np.float64]:
    """(n, 5) agreement of the two senses, the entropy of each, and the mean log-probability of each.

    The mean log-probability is far below that of a uniform distribution for a network that has recognised something,
    even where two classes compete, and is hardly below it for noise.
    """
    sharpness = [log.mean(1) for log in readings.logs]
    return np.stack([agreement(*readings.logs), *map(entropy, readings.logs), *sharpness], axis=1)


def population(readings: Readings) -> Population:
    """The means of these clips."""
    return Population(tuple(log.mean(0) for log in readings.logs), relations(readings).mean(0))


def against_baseline(readings: Readings, known: Population, order: NDArray[np.int64], strength: float) -> Readings:
    """Each log-posterior less what this sense usually says of this person, beyond what it says of anybody.

    Args:
        readings: What the senses say.
        known: Means of the training clips.
        order: (n,) the clips in the order in which they are seen.
        strength: Number of clips that the population counts for.
    """
    changed = []
    for column, log in enumerate(readings.logs):
        present = readings.present[:, column]
        usual = running_mean(log, present, order, readings.persons, known.logs[column], strength)
        changed.append(np.where(present[:, None], normalised(log - (usual - known.logs[column])), log))
    return replace(readings, logs=tuple(changed))
