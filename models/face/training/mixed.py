"""Training batches from FER2013 and RAF-DB side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT
from edge.face.crop import as_input
from models import training
from models.face.training.views import view
from models.metrics import class_weights

BATCH: Final = 64
"""Faces per batch."""


@dataclass(frozen=True, eq=False)
class Part:
    """The training rows of one corpus."""

    images: NDArray[np.uint8]
    """(n, side, side) grey faces; the side differs between corpora."""
    labels: NDArray[np.int64]
    """(n,) indices into `LABELS`."""
    targets: NDArray[np.float32]
    """(n, 7) soft targets."""
    share: float
    """Share of this corpus among the faces of an epoch, 0…1."""
    balance: float
    """Power of the inverse label frequency by which its faces weigh, 0…1."""

    def __len__(self) -> int:
        return len(self.labels)


class Batches(training.Batches):
    """Augmented (64, side, side, 1) float32 batches with soft targets and class weights.

    An epoch draws a fixed number of faces from each part anew, so that a large corpus does not outvote a small one.
    """

    def __init__(self, parts: tuple[Part, ...], side: int, seed: int, *, rows: int, worse: float = 0.0) -> None:
        """Prepares the first epoch.

        Args:
            parts: The corpora.
            side: Side of the views in pixels.
            seed: Seed of the order and the augmentation.
            rows: Faces in an epoch, all parts together.
            worse: Share of the views that are degraded, 0…1.
        """
        self._parts, self._side, self._worse = parts, side, worse
        self._drawn = [max(1, round(rows * part.share)) for part in parts]
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self._targets = np.concatenate([part.targets for part in parts])
        self._weights = np.concatenate([class_weights(part.labels, part.balance) for part in parts])
        super().__init__(int(self._starts[-1]), BATCH, seed)

    @property
    def prior(self) -> NDArray[np.float64]:
        """(7,) weighted frequency of each label among the targets: the prior that the network's posterior assumes."""
        found = np.zeros(COUNT)
        for part, first in zip(self._parts, self._starts, strict=False):
            weights = self._weights[first : first + len(part), None]
            found += part.share * (part.targets * weights).mean(0, dtype=np.float64)
        return np.asarray(found / found.sum())

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        drawn = [
            first + rng.choice(len(part), min(count, len(part)), replace=False)
            for first, part, count in zip(self._starts, self._parts, self._drawn, strict=False)
        ]
        return rng.permutation(np.concatenate(drawn))

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        images = np.stack([view(self._image(row), self._side, self._worse, rng) for row in rows])
        return as_input(images), self._targets[rows], self._weights[rows]

    def _image(self, row: int) -> NDArray[np.uint8]:
        part = int(np.searchsorted(self._starts, row, "right")) - 1
        return np.asarray(self._parts[part].images[row - self._starts[part]], np.uint8)
