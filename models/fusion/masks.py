"""Disturbs the posteriors of one sense: missing, noise, late, mislabelled.

Each function takes (n, k) probabilities and returns changed copies; all randomness comes from the generator given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Posteriors: TypeAlias = NDArray[np.float64]
"""(n, k) probabilities of k classes; each row sums to 1."""

MISLABELLED_SHARE: Final = 0.3
"""Share of the rows whose most probable class is exchanged with a wrong one."""
LATE_SHARE: Final = 0.27
"""Share of the rows that still show the item before.

An estimate is read at a random moment of a RAVDESS clip, of 3.7 s on average. For the first second of a clip, a sense
that is one second late still reports the clip before.
"""


def missing(posterior: Posteriors) -> Posteriors:
    """Every row uniform, which is what a sense without an observation contributes."""
    return np.full(posterior.shape, 1.0 / posterior.shape[1])


def noise(posterior: Posteriors, rng: np.random.Generator) -> Posteriors:
    """Every row drawn uniformly from all distributions over the classes (a flat Dirichlet distribution)."""
    return np.asarray(rng.dirichlet(np.ones(posterior.shape[1]), len(posterior)))


def late(
    posterior: Posteriors, previous: NDArray[np.int64], rng: np.random.Generator, share: float = LATE_SHARE
) -> Posteriors:
    """A share of the rows replaced by the row that precedes them in their stream.

    Args:
        posterior: (n, k) probabilities.
        previous: (n,) index of the preceding row; −1 at the beginning of a stream, where the row is kept.
        rng: Source of randomness.
        share: Share of the rows that are replaced, 0…1.
    """
    chosen = (rng.random(len(posterior)) < share) & (previous >= 0)
    return np.where(chosen[:, None], posterior[previous], posterior)


def mislabelled(posterior: Posteriors, rng: np.random.Generator, share: float = MISLABELLED_SHARE) -> Posteriors:
    """A share of the rows in which the most probable class exchanges its probability with a random other class.

    Args:
        posterior: (n, k) probabilities.
        rng: Source of randomness.
        share: Share of the rows that are changed, 0…1.
    """
    changed = posterior.copy()
    rows = np.flatnonzero(rng.random(len(posterior)) < share)
    classes = posterior.shape[1]
    top = posterior[rows].argmax(1)
    other = (top + rng.integers(1, classes, len(rows))) % classes
    changed[rows, top], changed[rows, other] = posterior[rows, other], posterior[rows, top]
    return changed


Mask: TypeAlias = Callable[[Posteriors, NDArray[np.int64], np.random.Generator], Posteriors]
"""Disturbs (n, k) probabilities; takes the index of the preceding row of each row as well."""

MASKS: Final[Mapping[str, Mask]] = {
    "missing": lambda posterior, _, __: missing(posterior),
    "noise": lambda posterior, _, rng: noise(posterior, rng),
    "late": late,
    "mislabelled": lambda posterior, _, rng: mislabelled(posterior, rng),
}
"""Name → mask."""


def previous_in_stream(order: NDArray[np.int64], streams: NDArray[np.str_]) -> NDArray[np.int64]:
    """For each row the row before it in its stream, −1 for the first of a stream.

    Args:
        order: (n,) the rows in the order in which they are seen.
        streams: (n,) name of the stream (the person) of each row.
    """
    found = np.full(len(order), -1, np.int64)
    newest: dict[str, int] = {}
    for row in order:
        stream = str(streams[row])
        found[row] = newest.get(stream, -1)
        newest[stream] = int(row)
    return found
