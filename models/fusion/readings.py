"""What two senses say about the same clips: log-posteriors, with true class, fold and person of each clip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.fusion import masks

FLOOR: Final = 1e-7
"""Least probability: below it, the published files hold rounding errors."""

Logs = NDArray[np.float64]
"""(n, k) log-probabilities."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """The outputs of the senses for n clips, k classes."""

    senses: tuple[str, ...]
    """Names of the senses."""
    logs: tuple[Logs, ...]
    """(n, k) log-probabilities of each sense; uniform where the sense is missing."""
    present: NDArray[np.bool_]
    """(n, senses) whether a sense made a reading."""
    truth: NDArray[np.int64]
    """(n,) true classes."""
    folds: NDArray[np.int64]
    """(n,) fold whose test persons include the person of the clip."""
    persons: NDArray[np.str_]
    """(n,) names of the persons."""

    def __len__(self) -> int:
        return len(self.truth)

    def rows(self, which: NDArray[np.bool_]) -> Readings:
        """The clips that a boolean mask selects."""
        return Readings(
            self.senses,
            tuple(log[which] for log in self.logs),
            self.present[which],
            self.truth[which],
            self.folds[which],
            self.persons[which],
        )

    def only(self, sense: str) -> Readings:
        """The same clips with every other sense missing."""
        found = self
        for other in self.senses:
            if other != sense:
                found = masked(found, other, "missing", np.arange(len(self)), np.random.default_rng(0))
        return found


def logs(posterior: NDArray[np.floating]) -> Logs:
    """(n, k) log-probabilities of probabilities, of which none counts as smaller than `FLOOR`."""
    floored = np.maximum(np.asarray(posterior, np.float64), FLOOR)
    return np.asarray(np.log(floored / floored.sum(1, keepdims=True)))


def normalised(values: NDArray[np.floating]) -> Logs:
    """(n, k) values as log-probabilities: the logarithm of their softmax."""
    shifted = np.asarray(values, np.float64) - values.max(1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(1, keepdims=True)))


def shuffled(readings: Readings, seed: int) -> NDArray[np.int64]:
    """The order in which the clips are seen: every person's clips in a random order of their own."""
    return np.random.default_rng(seed).permutation(len(readings))


def masked(readings: Readings, sense: str, mask: str, order: NDArray[np.int64], rng: np.random.Generator) -> Readings:
    """The readings with one sense disturbed.

    Args:
        readings: What the senses say.
        sense: The sense that is disturbed.
        mask: A name of `masks.MASKS`.
        order: (n,) the clips in the order in which they are seen.
        rng: Source of randomness.
    """
    column = readings.senses.index(sense)
    previous = masks.previous_in_stream(order, readings.persons)
    changed = list(readings.logs)
    changed[column] = logs(masks.MASKS[mask](np.exp(readings.logs[column]), previous, rng))
    present = readings.present.copy()
    present[:, column] &= mask != "missing"
    return replace(readings, logs=tuple(changed), present=present)
