"""BlazeFace, short range: a face detector of a millisecond.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", CVPR workshop 2019,
arXiv:1907.05047. The file is Google's, Apache-2.0.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box, Detection, blend_overlapping
from edge.inference.card import Card
from edge.inference.interpreter import Interpreter

SIDE = 128
_GRIDS = ((8, 2), (16, 6))
"""Stride in pixels of each feature map, and its anchors a cell."""


def anchors() -> NDArray[np.float64]:
    """(896, 2): centres in 0…1 of the anchors, in the order of the model's outputs."""
    rows: list[NDArray[np.float64]] = []
    for stride, count in _GRIDS:
        cells = SIDE // stride
        y, x = np.mgrid[0:cells, 0:cells]
        centres = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / cells
        rows.append(np.repeat(centres, count, axis=0))
    return np.concatenate(rows)


class BlazeFace:
    """Finds faces that fill at least about a twelfth of the frame's longer side."""

    name = "blazeface"

    def __init__(self, interpreter: Interpreter, min_score: float = 0.5, card: Card | None = None) -> None:
        self.card = card
        self._interpreter = interpreter
        self._min_score = min_score
        self._anchors = anchors()

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]:
        """The faces in a BGR image (height, width, 3), best score first. Raises `ModelError` on NaN."""
        height, width = image.shape[:2]
        scale = SIDE / max(height, width)
        small = cv2.resize(
            image, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
        )
        left, top = (SIDE - small.shape[1]) // 2, (SIDE - small.shape[0]) // 2
        square = np.zeros((1, SIDE, SIDE, 3), np.float32)
        square[0, top : top + small.shape[0], left : left + small.shape[1]] = (
            small[:, :, ::-1].astype(np.float32) / 127.5 - 1.0
        )
        regressors, logits = self._interpreter.run(square)
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100, 100)))
        found = np.flatnonzero(scores >= self._min_score)
        if not len(found):
            return ()
        raw = regressors[0, found].astype(np.float64) / SIDE
        points = raw[:, 4:].reshape(len(found), 6, 2) + self._anchors[found, None]
        centres, sizes = raw[:, 0:2] + self._anchors[found], raw[:, 2:4]
        rows = np.concatenate([centres - sizes / 2, sizes, points[:, :2].reshape(-1, 4)], axis=1) * SIDE
        offset = np.array([left, top, 0, 0, left, top, left, top], np.float64)
        return tuple(_detection((row - offset) / scale, score) for row, score in blend_overlapping(rows, scores[found]))


def _detection(row: NDArray[np.float64], score: float) -> Detection:
    x, y, width, height, *eyes = (float(value) for value in row)
    first, second = (eyes[0], eyes[1]), (eyes[2], eyes[3])
    return Detection(Box(x, y, width, height), score, (first, second) if first[0] <= second[0] else (second, first))
