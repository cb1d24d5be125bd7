"""Converts images of any kind to the BGR images that the face sense works on."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError


def as_bgr(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Converts a grey, BGR or BGRA uint8 image to (height, width, 3) uint8 BGR.

    Raises `SourceError` for any other array.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or 0 in image.shape:
        raise SourceError(f"a frame of shape {image.shape} and type {image.dtype} is no picture")
    if image.ndim == 2 or image.shape[2] == 1:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR), np.uint8)
    if image.shape[2] == 4:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2BGR), np.uint8)
    if image.shape[2] == 3:
        return np.asarray(image, np.uint8)
    raise SourceError(f"a frame with {image.shape[2]} channels is no picture")
