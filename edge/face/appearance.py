"""How a person looks, coarsely: the colours of hair, face and clothes, to tell persons apart within a visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box, Detection

_COLUMNS: Final = 4
_ROWS: Final = 8
_ABOVE: Final = 0.25
_BELOW: Final = 0.8
"""How far the patch reaches over and under the face's box, in widths of the box."""
_FINE: Final = 4
"""Samples a cell and axis."""
_OUTER: Final = (0.05, 0.1, 0.25, 0.15, 0.1, 0.15, 0.6, 0.8)
_INNER: Final = (0.15, 0.6, 1.0, 1.0, 0.8, 0.7, 0.9, 1.0)
"""Weight of a cell, row by row: background beside the hair and the neck tells little about a person.

These follow the variance between persons over that within one, on frames of YouTube Faces cut out and set before
other backgrounds.
"""
_COLOUR: Final = 2.5
"""Weight of a difference of colours over one of brightness, which changes with shade and exposure."""

LENGTH: Final = _ROWS * _COLUMNS * 3


def _weights() -> NDArray[np.float32]:
    cells = np.array([(outer, inner, inner, outer) for outer, inner in zip(_OUTER, _INNER, strict=True)])
    weights = cells[..., None] * np.array([1.0, _COLOUR, _COLOUR])
    return np.asarray(weights / np.sqrt((weights**2).sum()) / 255.0, np.float32)


_WEIGHTS: Final = _weights()


def appearances(image: NDArray[np.uint8], faces: Sequence[Detection]) -> NDArray[np.float32]:
    """(n, 96): a descriptor of each face in a BGR frame (height, width, 3).

    Their Euclidean distance is about 0.04 for one person at two moments and 0.12 for two persons. Colours of a grid
    over head and chest, as brightness and two differences; an edge of the frame is repeated outwards.
    """
    rows = [(_cells(image, face.box) * _WEIGHTS).ravel() for face in faces]
    return np.stack(rows) if rows else np.empty((0, LENGTH), np.float32)


def _cells(image: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    """(rows, columns, 3): mean brightness, blue less green and red less green, 0…255."""
    side = max(1.0, box.width)
    step_x, step_y = side / (_COLUMNS * _FINE), side * (1 + _ABOVE + _BELOW) / (_ROWS * _FINE)
    left, top = box.centre[0] - side / 2, box.centre[1] - side * (0.5 + _ABOVE)
    matrix = np.array([[step_x, 0, left + step_x / 2 - 0.5], [0, step_y, top + step_y / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (_COLUMNS * _FINE, _ROWS * _FINE)
    fine = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    mean = np.asarray(cv2.resize(fine, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA), np.float32)
    blue, green, red = mean[..., 0], mean[..., 1], mean[..., 2]
    return np.stack([(blue + green + red) / 3, blue - green, red - green], axis=-1)
