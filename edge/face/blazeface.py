"""BlazeFace, short range: a face detector that takes about a millisecond.

Bazarevsky et al., "BlazeFace: Sub-millisecond Neural Face Detection on Mobile GPUs", CVPR workshop 2019,
arXiv:1907.05047. The model file is by Google, under Apache-2.0.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box, Detection, blend_overlapping
from edge.inference.card import Card
from edge.inference.interpreter import Interpreter

SIDE = 128
"""Width and height of the model's input in pixels."""
_GRIDS = ((8, 2), (16, 6))
"""Stride in pixels and anchors per cell of each feature map."""
_CANDIDATES = 100
"""Number of best boxes that are merged into faces, enough for about 17 faces. With a low threshold, merging all 896
would take seconds."""


def anchors() -> NDArray[np.float64]:
    """Returns (896, 2): the centres of the anchors in 0…1, in the order of the model's outputs."""
    rows: list[NDArray[np.float64]] = []
    for stride, count in _GRIDS:
        cells = SIDE // stride
        y, x = np.mgrid[0:cells, 0:cells]
        centres = (np.stack([x, y], -1).reshape(-1, 2) + 0.5) / cells
        rows.append(np.repeat(centres, count, axis=0))
    return np.concatenate(rows)


@dataclass(frozen=True, slots=True)
class Window:
    """A square region in whole pixels of the frame; it may extend beyond the frame."""

    left: int
    """Left edge."""
    top: int
    """Top edge."""
    side: int
    """Width and height."""


def whole(image: NDArray[np.uint8]) -> Window:
    """Returns the smallest window that contains the whole image (height, width, …)."""
    height, width = image.shape[:2]
    side = max(height, width)
    return Window((width - side) // 2, (height - side) // 2, side)


class BlazeFace:
    """Finds faces at least about 18 pixels wide in its input of 128 pixels: a seventh of the window."""

    name = "blazeface"
    """Name of the detector in the configuration and in observations."""

    def __init__(self, interpreter: Interpreter, min_score: float = 0.5, card: Card | None = None) -> None:
        """Wraps a loaded model.

        Args:
            interpreter: The BlazeFace model.
            min_score: Minimum score of a face, 0…1.
            card: The card of the model; None if it has no card.
        """
        self.card = card
        self._interpreter = interpreter
        self._min_score = min_score
        self._anchors = anchors()

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        """Returns the faces in a BGR image (height, width, 3), best score first, from one view of the whole image.

        `at` is not used. Raises `ModelError` if the model returns NaN.
        """
        return self.look(image, whole(image))

    def look(
        self, image: NDArray[np.uint8], window: Window, min_score: float | None = None, mirrored: bool = False
    ) -> tuple[Detection, ...]:
        """Finds the faces in a window of an image.

        Args:
            image: The frame, (height, width, 3) uint8 BGR.
            window: The region to search; the part of it outside the image is black.
            min_score: Minimum score, 0…1; None for that of the detector.
            mirrored: Whether the model gets the mirror image, which gives a second opinion.

        Returns:
            The faces in pixels of the image, mirrored or not, best score first.

        Raises:
            ModelError: The model returned NaN.
        """
        square = _input(image, window)
        regressors, logits = self._interpreter.run(square[:, :, ::-1] if mirrored else square)
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0].astype(np.float64), -100, 100)))
        best = np.argsort(-scores, kind="stable")[:_CANDIDATES]
        found = best[scores[best] >= (self._min_score if min_score is None else min_score)]
        if not len(found):
            return ()
        raw = regressors[0, found].astype(np.float64) / SIDE
        points = raw[:, 4:].reshape(len(found), 6, 2)[:, :2] + self._anchors[found, None]
        centres, sizes = raw[:, 0:2] + self._anchors[found], raw[:, 2:4]
        if mirrored:
            points[:, :, 0], centres[:, 0] = 1.0 - points[:, :, 0], 1.0 - centres[:, 0]
        rows = np.concatenate([centres - sizes / 2, sizes, points.reshape(-1, 4)], axis=1) * window.side
        offset = np.array([window.left, window.top, 0, 0, *(window.left, window.top) * 2], np.float64)
        return tuple(_detection(row + offset, score) for row, score in blend_overlapping(rows, scores[found]))


def _input(image: NDArray[np.uint8], window: Window) -> NDArray[np.float32]:
    """Returns the window as the model's input, (1, 128, 128, 3) RGB in −1…1."""
    height, width = image.shape[:2]
    left, right = max(0, window.left), min(width, window.left + window.side)
    top, bottom = max(0, window.top), min(height, window.top + window.side)
    square = np.zeros((1, SIDE, SIDE, 3), np.float32)
    if left >= right or top >= bottom:
        return square
    scale = SIDE / window.side
    x, y = round((left - window.left) * scale), round((top - window.top) * scale)
    size = (min(SIDE - x, max(1, round((right - left) * scale))), min(SIDE - y, max(1, round((bottom - top) * scale))))
    if min(size) < 1:
        return square
    small = cv2.resize(
        image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    square[0, y : y + size[1], x : x + size[0]] = small[:, :, ::-1].astype(np.float32) / 127.5 - 1.0
    return square


def _detection(row: NDArray[np.float64], score: float) -> Detection:
    x, y, width, height, *eyes = (float(value) for value in row)
    first, second = (eyes[0], eyes[1]), (eyes[2], eyes[3])
    return Detection(Box(x, y, width, height), score, (first, second) if first[0] <= second[0] else (second, first))
