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

_FINEST: Final = 3
"""Times finer than the scene at most."""


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
        # As the crop does it: sampled a whole number of times finer and then averaged. Averaging the whole frame takes
        # longer than the model.
        finer = min(_FINEST, max(1, min(image.shape[0] // height, image.shape[1] // width)))
        small = cv2.resize(image, (finer * width, finer * height), interpolation=cv2.INTER_LINEAR)
        if finer > 1:
            small = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)
        self._picture = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)

    def without(self, face: Box) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB, zero wherever a pixel of `face` (pixels of the frame) has a share."""
        scene = self._picture.copy()
        height, width = scene.shape[:2]
        rows = _span(face.top, face.height, height / self._frame[0], height)
        columns = _span(face.left, face.width, width / self._frame[1], width)
        scene[rows, columns] = 0
        return scene


def _span(start: float, length: float, scale: float, pixels: int) -> slice:
    """The pixels of the scene that whole pixels of the frame from `start` over `length` touch."""
    # Linear sampling blends each pixel with the next, so the face reaches one further.
    first, last = math.floor(start) - 1, math.ceil(start + length) + 1
    return slice(min(pixels, max(0, math.floor(first * scale))), min(pixels, max(0, math.ceil(last * scale))))


def as_input(scenes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, height, width, 3) or (height, width, 3) uint8 → (n, height, width, 3) float32 in 0…1."""
    return scenes.reshape(-1, *scenes.shape[-3:]).astype(np.float32) / np.float32(255.0)
