"""The square grey crop for the expression model, framed like the faces of FER2013."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Detection

SIDE: Final = 48
"""Width and height in pixels of the crop whose quality is assessed, and of FER2013's faces."""
MAX_SIDE: Final = 224
"""Largest width and height of a crop in pixels; a card that asks for more counts as damaged."""

_MAX_OVERSAMPLING: Final = 3
"""Maximum factor by which the frame is sampled more finely than the crop. Beyond it, a large face costs more time and
looks the same."""


def front_end(side: int) -> dict[str, Any]:
    """Returns the entry of this front end in a model card, for crops of `side` × `side` pixels."""
    return {"name": f"grey{side}", "side": side, "range": [0.0, 1.0]}


FRONT_END: Final = front_end(SIDE)
"""Entry of this front end in the card of a model that takes crops of 48×48 pixels."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Size and position of a crop relative to a detector's box."""

    scale: float
    """Side of the crop, in widths of the box."""
    rise: float
    """Height of the crop's centre above the centre of the box, in widths of the box."""


FRAMINGS: Final = {"blazeface": Framing(1.155, 0.074), "haar": Framing(1.021, 0.0)}
"""Detector → framing: medians over FER2013's training images.

`python -m models.face.protocols.framing` prints them, accurate to 0.006.
"""


@dataclass(frozen=True, slots=True)
class View:
    """A square region of the frame, rotated by the roll of the face, that is resampled to `pixels` × `pixels`.

    Coordinates are counted from the edges of pixels: the centre of the first pixel is at 0.5.
    """

    x: float
    """Horizontal centre in pixels of the frame."""
    y: float
    """Vertical centre in pixels of the frame."""
    side: float
    """Side of the square in pixels of the frame."""
    roll: float
    """Rotation in radians, clockwise in the image."""
    pixels: int
    """Width and height of the patch in pixels."""

    @property
    def to_frame(self) -> NDArray[np.float64]:
        """(2, 3): affine matrix from patch coordinates to frame coordinates, both counted from the edges of pixels."""
        step, half = self.side / self.pixels, self.side / 2
        cosine, sine = math.cos(self.roll), math.sin(self.roll)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        return np.column_stack([turn * step, np.array([self.x, self.y]) - turn @ np.array([half, half])])

    def cut(self, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns the patch of a frame; pixels at the edge of the frame are repeated outwards.

        `grey` is (height, width), or (height, width, channels); the patch is (pixels, pixels) with the same channels.
        """
        # Sampled at an integer multiple of the size and then averaged, so that a large face does not alias.
        sampled = self.pixels * min(_MAX_OVERSAMPLING, max(1, round(self.side / self.pixels)))
        to_frame = View(self.x, self.y, self.side, self.roll, sampled).to_frame
        # to_frame counts from the edges of pixels, warpAffine from their centres.
        to_frame[:, 2] += to_frame[:, :2] @ np.array([0.5, 0.5]) - 0.5
        patch = cv2.warpAffine(
            grey,
            to_frame,
            (sampled, sampled),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        if sampled != self.pixels:
            patch = cv2.resize(patch, (self.pixels, self.pixels), interpolation=cv2.INTER_AREA)
        return np.asarray(patch, np.uint8)


def view(face: Detection, framing: Framing, pixels: int = SIDE) -> View:
    """Returns the view of a face, rotated so that the eyes are level if they are known.

    Args:
        face: The detected face.
        framing: Size and position relative to its box.
        pixels: Width and height of the patch in pixels.
    """
    roll = 0.0
    if face.eyes is not None:
        (x0, y0), (x1, y1) = face.eyes
        roll = math.atan2(y1 - y0, x1 - x0)
    x, y = face.box.centre
    up = face.box.width * framing.rise
    side = max(1.0, face.box.width * framing.scale)
    return View(x + up * math.sin(roll), y - up * math.cos(roll), side, roll, pixels)


def crop(grey: NDArray[np.uint8], face: Detection, framing: Framing) -> NDArray[np.uint8]:
    """Returns the crop of a face for the expression model.

    Args:
        grey: The frame, (height, width) uint8.
        face: The detected face.
        framing: Size and position relative to its box, from `FRAMINGS`.

    Returns:
        (48, 48) uint8.
    """
    return view(face, framing).cut(grey)


def resampled(face: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Returns a crop, (s, s) uint8, at (side, side) uint8: interpolated where it grows, averaged where it shrinks."""
    if face.shape == (side, side):
        return face
    how = cv2.INTER_LINEAR if face.shape[0] < side else cv2.INTER_AREA
    return np.asarray(cv2.resize(face, (side, side), interpolation=how), np.uint8)


def as_input(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Converts crops to model input, in training and on the device.

    (n, side, side) or (side, side) uint8 → (n, side, side, 1) float32 in 0…1.
    """
    return crops.reshape(-1, *crops.shape[-2:], 1).astype(np.float32) / np.float32(255.0)
