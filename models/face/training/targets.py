"""Training targets of the face model: labels softened by raters' votes and by the posteriors of teacher models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import keras
import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.face.crop import as_input
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from models import training
from models.face import data
from models.face.training.augment import augment

TEACHER_SHARE: Final = 0.6
"""Weight of the teachers' mean posterior in a target, if there are teachers."""
TEACHER_TEMPERATURE: Final = 1.5
"""Temperature of the teachers' softmax; above 1 it softens their posterior."""


def soft_targets(faces: data.Faces, fer_share: float = 0.7) -> NDArray[np.float32]:
    """(n, 7) targets: the FER2013 label mixed with the FER+ vote distribution (Barsoum et al., ICMI 2016).

    The label has the weight `fer_share`, 0…1. Rows without a vote for any of the seven labels keep the label alone.
    """
    hard = np.eye(COUNT, dtype=np.float32)[faces.labels]
    total = faces.votes.sum(1, keepdims=True)
    votes = faces.votes / np.maximum(total, 1)
    return np.where(total > 0, fer_share * hard + (1 - fer_share) * votes, hard).astype(np.float32)


def teacher_logits(teacher: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Opens a `.keras` or `.tflite` file as a function of (n, 48, 48, 1) images that returns (n, 7) logits.

    Raises `ModelError`.
    """
    if teacher.suffix != ".tflite":
        model = keras.models.load_model(teacher, compile=False)
        return lambda images: np.asarray(model.predict_on_batch(images))
    interpreter = Interpreter(teacher.read_bytes(), f"teacher {teacher}")
    return lambda images: run_each(interpreter, images)


def taught(teachers: Sequence[Path], faces: data.Faces, seed: int, kept: Path, views: int = 3) -> NDArray[np.float32]:
    """The mean posterior (n, 7) of teachers on augmented views of each face (Hinton et al., 2015).

    Args:
        teachers: `.keras` or `.tflite` files of models (n, 48, 48, 1) in 0…1 → (n, 7) logits.
        faces: Training rows.
        seed: Seed of the augmentation.
        kept: Folder in which the posterior of each teacher is cached, so that a run can resume.
        views: Augmented copies of each face that a teacher sees.

    Raises:
        ModelError: A `.tflite` teacher does not run.
    """
    kept.mkdir(parents=True, exist_ok=True)
    opinions = []
    for number, teacher in enumerate(teachers):
        file = kept / f"{number}_{teacher.stem}.npy"
        if not file.exists():
            logits = teacher_logits(teacher)
            opinion = np.zeros((len(faces), len(LABELS)), np.float32)
            rng = np.random.default_rng(seed)
            for view in range(views):
                print(f"teacher {teacher}: view {view + 1} of {views}", flush=True)
                for rows in training.batches(len(faces), 512):
                    images = np.stack([augment(image, rng) for image in faces.images[rows]])
                    opinion[rows] += softmax(logits(as_input(images)), TEACHER_TEMPERATURE) / views
            np.save(file, opinion)
        opinions.append(np.load(file))
    return np.asarray(np.mean(opinions, 0), np.float32)


def run_each(interpreter: Interpreter, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 7) logits of (n, 48, 48, 1) images, one at a time."""
    return np.stack([interpreter.run(image[None])[0][0] for image in images])
