"""Appearance descriptors: coarse colours of hair, face and clothes that distinguish persons within one visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box, Detection

_COLUMNS: Final = 4
"""Columns of the grid of cells over head and chest."""
_ROWS: Final = 8
"""Rows of the grid of cells over head and chest."""
_REACH_ABOVE: Final = 0.25
"""Extent of the grid above the face's box, in widths of the box."""
_REACH_BELOW: Final = 0.8
"""Extent of the grid below the face's box, in widths of the box."""
_OVERSAMPLING: Final = 4
"""Samples per cell along each axis."""
_OUTER_WEIGHTS: Final = (0.05, 0.1, 0.25, 0.15, 0.1, 0.15, 0.6, 0.8)
"""Weights of the cells in the two outer columns, row by row.

They are low beside the hair and the neck, where a cell shows mostly background. The weights follow the ratio of the
variance between persons to that within a person, on frames of YouTube Faces cut out and pasted onto other backgrounds.
"""
_INNER_WEIGHTS: Final = (0.15, 0.6, 1.0, 1.0, 0.8, 0.7, 0.9, 1.0)
"""Weights of the cells in the two inner columns, row by row, measured like `_OUTER_WEIGHTS`."""
_CHROMA_WEIGHT: Final = 2.5
"""Weight of the colour differences relative to brightness, which varies with shade and exposure."""

LENGTH: Final = _ROWS * _COLUMNS * 3
"""Length of a descriptor: three values per cell."""


def _weights() -> NDArray[np.float32]:
    cells = np.array(
        [(outer, inner, inner, outer) for outer, inner in zip(_OUTER_WEIGHTS, _INNER_WEIGHTS, strict=True)]
    )
    weights = cells[..., None] * np.array([1.0, _CHROMA_WEIGHT, _CHROMA_WEIGHT])
    return np.asarray(weights / np.sqrt((weights**2).sum()) / 255.0, np.float32)


_WEIGHTS: Final = _weights()
"""(8, 4, 3): factors that turn the cells into a descriptor."""


def appearances(image: NDArray[np.uint8], faces: Sequence[Detection]) -> NDArray[np.float32]:
    """Returns (n, 96) float32: one descriptor for each face in a BGR frame (height, width, 3).

    A descriptor holds brightness and two colour differences for each cell of a grid over head and chest. Pixels at the
    edge of the frame are repeated outwards. The Euclidean distance of two descriptors is about 0.04 for one person at
    two moments and 0.12 for two persons.
    """
    rows = [(_cells(image, face.box) * _WEIGHTS).ravel() for face in faces]
    return np.stack(rows) if rows else np.empty((0, LENGTH), np.float32)


def _cells(image: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    """Returns (rows, columns, 3): mean brightness, blue minus green and red minus green, on the scale of 0…255."""
    side = max(1.0, box.width)
    step_x, step_y = (
        side / (_COLUMNS * _OVERSAMPLING),
        side * (1 + _REACH_ABOVE + _REACH_BELOW) / (_ROWS * _OVERSAMPLING),
    )
    left, top = box.centre[0] - side / 2, box.centre[1] - side * (0.5 + _REACH_ABOVE)
    matrix = np.array([[step_x, 0, left + step_x / 2 - 0.5], [0, step_y, top + step_y / 2 - 0.5]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (_COLUMNS * _OVERSAMPLING, _ROWS * _OVERSAMPLING)
    samples = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    mean = np.asarray(cv2.resize(samples, (_COLUMNS, _ROWS), interpolation=cv2.INTER_AREA), np.float32)
    blue, green, red = mean[..., 0], mean[..., 1], mean[..., 2]
    return np.stack([(blue + green + red) / 3, blue - green, red - green], axis=-1)
