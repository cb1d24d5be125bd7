"""What the face model is taught: labels softened by the votes of many raters, and by the opinion of other models."""

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
"""Share of a target that is the mean opinion of the teachers, where there are any."""
TEACHER_TEMPERATURE: Final = 1.5
"""The logits of a teacher are divided by it, which softens its opinion."""


def soft_targets(faces: data.Faces, fer_share: float = 0.7) -> NDArray[np.float32]:
    """(n, 7): the FER2013 label mixed with the FER+ vote distribution (Barsoum et al., ICMI 2016).

    Rows whose taggers gave none of the seven labels keep the FER2013 label alone.
    """
    hard = np.eye(COUNT, dtype=np.float32)[faces.labels]
    total = faces.votes.sum(1, keepdims=True)
    votes = faces.votes / np.maximum(total, 1)
    return np.where(total > 0, fer_share * hard + (1 - fer_share) * votes, hard).astype(np.float32)


def teacher_logits(teacher: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """What makes (n, 7) logits of (n, 48, 48, 1) images with a `.keras` or `.tflite` file. Raises `ModelError`."""
    if teacher.suffix != ".tflite":
        model = keras.models.load_model(teacher, compile=False)
        return lambda images: np.asarray(model.predict_on_batch(images))
    interpreter = Interpreter(teacher.read_bytes(), f"teacher {teacher}")
    return lambda images: run_each(interpreter, images)


def taught(teachers: Sequence[Path], faces: data.Faces, seed: int, kept: Path, views: int = 3) -> NDArray[np.float32]:
    """(n, 7): the mean opinion of teachers on augmented views of each face (Hinton et al., 2015).

    Args:
        teachers: `.keras` or `.tflite` files, each (n, 48, 48, 1) in 0…1 → (n, 7) logits.
        faces: Training rows.
        seed: Of the augmentation.
        kept: Folder in which each teacher's opinion is kept, for a run that resumes.
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
