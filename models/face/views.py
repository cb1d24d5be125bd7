"""Views: altered copies of the training faces, each with what its teachers say of that very copy.

A pupil learns most from teachers who looked at the same picture as it does, mixtures of two faces among them (Beyer et
al., Knowledge distillation: a good teacher is patient and consistent, CVPR 2022; mixup: Zhang et al., ICLR 2018). To
ask large teachers anew in each epoch would take longer than the training, so a few views of each face are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from converters.tflite import convert
from edge.emotions import COUNT
from edge.face.crop import as_input
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from models.face import data


@dataclass(frozen=True)
class View:
    """One copy of every face: `images` (n, 48, 48) uint8, `share` (n,) float32 of each face in its copy, the rest is
    that of the face in row `other` (n,) int64."""

    images: NDArray[np.uint8]
    share: NDArray[np.float32]
    other: NDArray[np.int64]

    def mixed(self, targets: NDArray[np.float32]) -> NDArray[np.float32]:
        """`targets` (n, c) of the faces, mixed as the pictures are."""
        share = self.share[:, None]
        return share * targets + (1 - share) * targets[self.other]


def view(faces: data.Faces, number: int, seed: int) -> View:
    """The `number`-th view; every second one mixes each face with another, in any proportion."""
    rng = np.random.default_rng((seed, number))
    rows = len(faces)
    images = np.stack([data.augment(image, rng) for image in faces.images])
    other = rng.permutation(rows)
    share = np.ones(rows, np.float32)
    if number % 2:
        share = rng.random(rows, np.float32)
        part = share[:, None, None]
        images = np.rint(part * images + (1 - part) * images[other]).astype(np.uint8)
    return View(images, share, other)


def opinions(
    teachers: Sequence[Path], views: Sequence[View], kept: Path, temperature: float
) -> list[NDArray[np.float32]]:
    """For each view (n, 7): the mean posterior of float Keras `teachers` (Hinton et al., 2015).

    Each teacher's of each view is kept in the folder `kept`, for a run that resumes. Raises `ModelError`.
    """
    kept.mkdir(parents=True, exist_ok=True)
    total = [np.zeros((len(one.images), COUNT), np.float32) for one in views]
    for rank, teacher in enumerate(teachers):
        interpreter = None
        for number, one in enumerate(views):
            file = kept / f"{rank}_{teacher.stem}_{number}.npy"
            if not file.exists():
                print(f"teacher {teacher}: view {number + 1} of {len(views)}", flush=True)
                interpreter = interpreter or Interpreter(
                    convert(keras.models.load_model(teacher, compile=False), "float32")
                )
                logits = np.stack([interpreter.run(as_input(image))[0][0] for image in one.images])
                np.save(file, softmax(logits, temperature).astype(np.float32))
            total[number] += np.load(file) / len(teachers)
    return total
