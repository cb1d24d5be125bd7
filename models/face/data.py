"""The splits of FER2013 as arrays, with the votes of FER+."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS

FILE = "face/fer2013_webp.npz"
"""Path of the corpus below the data folder."""

SIDE = 48
"""Width and height of its faces in pixels."""
FER_ORDER = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
"""Labels in the order of FER2013's class numbers."""
_FERPLUS_ORDER = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear")
"""Labels in the order of the columns of the FER+ votes."""
_USAGE = {"training": 0, "public": 1, "private": 2}
"""Number of each split in the corpus file."""


@dataclass(frozen=True)
class Faces:
    """Labelled faces."""

    images: NDArray[np.uint8]
    """(n, 48, 48) grey faces."""
    labels: NDArray[np.int64]
    """(n,) FER2013 labels as indices into `LABELS`."""
    votes: NDArray[np.float32]
    """(n, 7) numbers of FER+ raters' votes in the order of `LABELS`."""
    twin: NDArray[np.bool_]
    """(n,) whether the same picture also occurs in another split."""

    def __len__(self) -> int:
        return len(self.labels)


def _decode(webp: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = cv2.imdecode(webp, cv2.IMREAD_GRAYSCALE)
    assert image is not None, "the corpus file is damaged"
    return np.asarray(image, np.uint8)


def load(path: Path, split: str) -> Faces:
    """One split: `public`, `private`, or `training` without the rows that also occur in a test split."""
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
    """The first `rows` faces."""
    return Faces(faces.images[:rows], faces.labels[:rows], faces.votes[:rows], faces.twin[:rows])
