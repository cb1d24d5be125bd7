"""FER2013 with FER+ votes: rows, targets, augmentation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS

FILE = "face/fer2013_webp.npz"

FER_ORDER = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_FERPLUS_ORDER = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
_USAGE = {"training": 0, "public": 1, "private": 2}


@dataclass(frozen=True)
class Faces:
    """`images` (n, 48, 48) uint8; `labels` (n,) int64 in the order of `LABELS`; `votes` (n, 7) float32, FER+
    taggers' votes in the same order; `twin` (n,) bool, the same picture stands in another split too."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32]
    twin: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.labels)


def _decode(webp: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = cv2.imdecode(webp, cv2.IMREAD_GRAYSCALE)
    assert image is not None, "the corpus file is damaged"
    return np.asarray(image, np.uint8)


def load(path: Path, split: str) -> Faces:
    """One split, `training` (without the rows that stand in a test split too), `public` or `private`."""
    with np.load(path, allow_pickle=False) as file:
        keep = file["usage"] == _USAGE[split]
        if split == "training":
            keep &= ~file["drop_from_training"]
        rows = np.flatnonzero(keep)
        blob, offset = file["blob"], file["offset"]
        images = np.stack([_decode(blob[offset[i] : offset[i + 1]]) for i in rows])
        order = np.array([LABELS.index(name) for name in FER_ORDER])
        columns = [_FERPLUS_ORDER.index(name) for name in LABELS]
        return Faces(
            images,
            order[file["label"][rows]],
            file["ferplus_votes"][rows][:, columns].astype(np.float32),
            file["duplicated_across_splits"][rows],
        )


def head(faces: Faces, rows: int) -> Faces:
    """The first `rows` rows."""
    return Faces(faces.images[:rows], faces.labels[:rows], faces.votes[:rows], faces.twin[:rows])


def soft_targets(faces: Faces, fer_share: float = 0.7) -> NDArray[np.float32]:
    """(n, 7): the FER2013 label mixed with the FER+ vote distribution (Barsoum et al., ICMI 2016).

    Rows whose taggers gave none of the seven labels keep the FER2013 label alone.
    """
    hard = np.eye(COUNT, dtype=np.float32)[faces.labels]
    total = faces.votes.sum(1, keepdims=True)
    votes = faces.votes / np.maximum(total, 1)
    return np.where(total > 0, fer_share * hard + (1 - fer_share) * votes, hard).astype(np.float32)


def augment(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A randomly mirrored, turned, scaled, sheared, shifted, relit and partly hidden copy, (48, 48) uint8."""
    side = image.shape[0]
    angle, shear = np.deg2rad(rng.uniform(-14, 14)), rng.uniform(-0.08, 0.08)
    scale = np.exp(rng.uniform(-0.14, 0.14))
    shift = rng.uniform(-3.0, 3.0, 2)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    matrix = scale * turn @ np.diag([mirror, 1.0])
    centre = np.full(2, (side - 1) / 2)
    affine = np.column_stack([matrix, centre - matrix @ centre + shift])
    moved = cv2.warpAffine(image, affine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lit = cv2.convertScaleAbs(moved, alpha=float(np.exp(rng.uniform(-0.3, 0.3))), beta=float(rng.uniform(-22, 22)))
    if rng.random() < 0.4:
        height, width = rng.integers(6, 17, 2)
        top, left = rng.integers(0, side - height), rng.integers(0, side - width)
        lit[top : top + height, left : left + width] = rng.integers(0, 256)
    return lit.astype(np.uint8)
