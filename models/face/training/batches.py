"""Training batches of the face model."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.crop import as_input
from models import training
from models.face import data
from models.face.training.augment import augment
from models.face.training.degrade import worsen
from models.metrics import class_weights

BATCH: Final = 64
"""Faces per batch."""


class Batches(training.Batches):
    """Shuffled, augmented (64, 48, 48, 1) float32 batches with soft targets and class weights.

    A share `worse` of the faces, 0…1, is also darkened, overexposed, blurred, made noisy or shrunk.
    """

    def __init__(
        self, faces: data.Faces, targets: NDArray[np.float32], seed: int, batch: int = BATCH, worse: float = 0.0
    ) -> None:
        super().__init__(len(faces), batch, seed)
        self._faces, self._targets, self._worse = faces, targets, worse
        self._weights = class_weights(faces.labels, 0.3)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        images = np.stack([augment(self._faces.images[row], rng) for row in rows])
        if self._worse:
            for row in np.flatnonzero(rng.random(len(rows)) < self._worse):
                images[row] = worsen(images[row], rng)
        return as_input(images), self._targets[rows], self._weights[rows]
