"""The scene around a face: the second input of an expression model like CAER-Net, in training and on the device.

The face is hidden in the scene, so that the model cannot learn from the face a second time (Lee et al., Context-Aware
Emotion Recognition Networks, ICCV 2019).
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
"""Name of this front end in model cards."""

MAX_SIDE: Final = 512
"""Maximum height and width of a scene in pixels; a card that asks for more counts as damaged."""

_MAX_OVERSAMPLING: Final = 3
"""Maximum factor by which the frame is sampled more finely than the scene."""


def front_end(height: int, width: int) -> dict[str, Any]:
    """Returns the entry of this front end in a model card, for a scene of `height` × `width` pixels."""
    return {**FACE_FRONT_END, "name": NAME, "context": [height, width]}


def size(front_end: dict[str, Any]) -> tuple[int, int] | None:
    """Returns height and width of the scene in a card's front end; None if the entry has no valid size."""
    match front_end.get("context"):
        case [int(height), int(width)] if 0 < height <= MAX_SIDE and 0 < width <= MAX_SIDE:
            return height, width
    return None


def hidden(view: View) -> Box:
    """Returns the axis-aligned box around the face crop, which must be hidden in the scene."""
    reach = view.side / 2 * (abs(math.cos(view.roll)) + abs(math.sin(view.roll)))
    return Box(view.x - reach, view.y - reach, 2 * reach, 2 * reach)


class Scene:
    """A frame scaled to the input size of a model, shared by all faces in the frame."""

    def __init__(self, image: NDArray[np.uint8], height: int, width: int) -> None:
        """Scales a frame to the scene's size without keeping its aspect ratio.

        Args:
            image: The frame, (any height, any width, 3) uint8 BGR.
            height: Height of the scene in pixels.
            width: Width of the scene in pixels.
        """
        self._frame = image.shape[:2]
        # Sampled at an integer multiple of the size and then averaged, like the crop. Averaging the whole frame would
        # take longer than the model.
        oversampling = min(_MAX_OVERSAMPLING, max(1, min(image.shape[0] // height, image.shape[1] // width)))
        small = cv2.resize(image, (oversampling * width, oversampling * height), interpolation=cv2.INTER_LINEAR)
        if oversampling > 1:
            small = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)
        self._picture = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2RGB), np.uint8)

    def without(self, face: Box) -> NDArray[np.uint8]:
        """Returns the scene, (height, width, 3) uint8 RGB, with zeros where a pixel of `face` contributes.

        `face` is in pixels of the frame.
        """
        scene = self._picture.copy()
        height, width = scene.shape[:2]
        rows = _span(face.top, face.height, height / self._frame[0], height)
        columns = _span(face.left, face.width, width / self._frame[1], width)
        scene[rows, columns] = 0
        return scene


def _span(start: float, length: float, scale: float, pixels: int) -> slice:
    """Returns the pixels of the scene to which the frame's pixels from `start` to `start + length` contribute."""
    # Linear sampling blends each pixel with its neighbour, so the face extends by one pixel.
    first, last = math.floor(start) - 1, math.ceil(start + length) + 1
    return slice(min(pixels, max(0, math.floor(first * scale))), min(pixels, max(0, math.ceil(last * scale))))


def as_input(scenes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Converts scenes to model input.

    (n, height, width, 3) or (height, width, 3) uint8 → (n, height, width, 3) float32 in 0…1.
    """
    return scenes.reshape(-1, *scenes.shape[-3:]).astype(np.float32) / np.float32(255.0)
