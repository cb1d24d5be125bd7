"""FER2013 with the votes of FER+: its splits as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS

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
