"""The splits of RAF-DB as arrays: aligned faces of 100×100 pixels with basic expressions, in grey (Li et al., 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS

FILE: Final = "face/rafdb_webp.npz"
"""Path of the corpus below the data folder."""
SIDE: Final = 100
"""Width and height of its faces in pixels."""
TERMS: Final = "non-commercial research; the images may not be passed on"
"""Terms of use, for the card."""

HELD_OUT_ROWS: Final = 1500
"""Rows of the training part on which models are chosen and calibrated; they are never trained on. The corpus does not
name its persons, so some of these faces may belong to a person who is trained on."""
_SEED: Final = 2017
"""Seed of the choice of the held-out rows."""
_USAGE: Final = {"training": 0, "held out": 0, "test": 2}
"""Number of the part of the corpus file from which each split is taken."""


@dataclass(frozen=True)
class Faces:
    """Labelled faces."""

    images: NDArray[np.uint8]
    """(n, 100, 100) grey faces."""
    labels: NDArray[np.int64]
    """(n,) indices into `LABELS`."""

    def __len__(self) -> int:
        return len(self.labels)


def load(path: Path, split: str) -> Faces:
    """One split: `test`, `held out` (`HELD_OUT_ROWS` rows of the training part), or `training`, which is the rest."""
    with np.load(path, allow_pickle=False) as file:
        rows = np.flatnonzero(file["usage"] == _USAGE[split])
        if split != "test":
            shuffled = np.random.default_rng(_SEED).permutation(rows)
            rows = np.sort(shuffled[:HELD_OUT_ROWS] if split == "held out" else shuffled[HELD_OUT_ROWS:])
        blob, offset = file["blob"], file["offset"]
        order = np.array([LABELS.index(str(name)) for name in file["classes"]])
        images = np.stack([_decode(blob[offset[i] : offset[i + 1]]) for i in rows])
        return Faces(images, order[file["label"][rows]])


def head(faces: Faces, rows: int) -> Faces:
    """The first `rows` faces."""
    return Faces(faces.images[:rows], faces.labels[:rows])


def _decode(webp: NDArray[np.uint8]) -> NDArray[np.uint8]:
    image = cv2.imdecode(webp, cv2.IMREAD_COLOR)
    assert image is not None, "the corpus file is damaged"
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
