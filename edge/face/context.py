"""The scene around a face: the second input of an expression model after CAER-Net, for training and device alike.

Lee et al., Context-Aware Emotion Recognition Networks, ICCV 2019: the face is hidden, so that what is learnt of the
scene is not the face once more.
"""

from __future__ import annotations

import math
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box
from edge.face.crop import FRONT_END as FACE_FRONT_END
from edge.face.crop import View

NAME: Final = "grey48+context"

MAX_SIDE: Final = 512
"""Pixels; a card that asks for more is taken for damaged."""


def front_end(height: int, width: int) -> dict[str, Any]:
    """How a card names this front end; `height` and `width` of the scene in pixels."""
    return {**FACE_FRONT_END, "name": NAME, "context": [height, width]}


def size(front_end: dict[str, Any]) -> tuple[int, int] | None:
    """Height and width of the scene that a card's front end asks for; None where that is no scene's size."""
    match front_end.get("context"):
        case [int(height), int(width)] if 0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE:
            return height, width
    return None


def hidden(view: View) -> Box:
    """The upright box around what the face crop shows, which the scene must not show."""
    reach = view.side / 2 * (abs(math.cos(view.roll)) + abs(math.sin(view.roll)))
    return Box(view.x - reach, view.y - reach, 2 * reach, 2 * reach)


class Scene:
    """A frame brought to the size that a model wants, once for all faces in it."""

    def __init__(self, image: NDArray[np.uint8], height: int, width: int) -> None:
        """`image` (any height, any width, 3) uint8 BGR; stretched to `height` × `width`, whatever its proportions."""
        self._frame = image.shape[:2]
        averaged = height <= image.shape[0] and width <= image.shape[1]
        small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if averaged else cv2.INTER_LINEAR_EXACT)
        self._picture = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)
        # Enlarging blends each pixel with its neighbours, so the face reaches one pixel of the frame further.
        self._spread = 0.0 if averaged else 1.0

    def without(self, face: Box) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB, zero wherever a pixel of `face` (pixels of the frame) has a share."""
        scene = self._picture.copy()
        height, width = scene.shape[:2]
        rows = _span(face.top - self._spread, face.height + 2 * self._spread, height / self._frame[0], height)
        columns = _span(face.left - self._spread, face.width + 2 * self._spread, width / self._frame[1], width)
        scene[rows, columns] = 0
        return scene


def _span(start: float, length: float, scale: float, pixels: int) -> slice:
    """The pixels of the scene that whole pixels of the frame from `start` over `length` touch."""
    first, last = math.floor(start), math.ceil(start + length)
    return slice(min(pixels, max(0, math.floor(first * scale))), min(pixels, max(0, math.ceil(last * scale))))


def as_input(scenes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, height, width, 3) or (height, width, 3) uint8 → (n, height, width, 3) float32 in 0…1."""
    return scenes.reshape(-1, *scenes.shape[-3:]).astype(np.float32) / np.float32(255.0)
