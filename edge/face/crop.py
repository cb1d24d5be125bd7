"""The 48×48 grey crop that the expression model sees: framed as FER2013 frames its faces."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Detection

SIDE: Final = 48
FRONT_END: Final = {"name": "grey48", "side": SIDE, "range": [0.0, 1.0]}
"""How a card names this front end."""


_FINEST: Final = 3
"""Times finer than the crop at most: beyond that a large face costs more and looks the same."""


@dataclass(frozen=True, slots=True)
class Framing:
    """Where the crop lies relative to a detector's box."""

    scale: float
    """Side of the crop over the width of the box."""
    rise: float
    """How far the crop's centre lies above the box's, over the width of the box."""


FRAMINGS: Final = {"blazeface": Framing(1.155, 0.074), "haar": Framing(1.021, 0.0)}
"""Medians over FER2013's training images: `python -m models.face.protocols.framing` prints them to 0.006."""


@dataclass(frozen=True, slots=True)
class View:
    """A square of the frame, turned by the roll of the face, that a patch of `pixels` by `pixels` shows."""

    x: float
    y: float
    """Centre in pixels of the frame, counted from pixels' edges."""
    side: float
    """Pixels of the frame."""
    roll: float
    """Radians, clockwise in the picture."""
    pixels: int

    @property
    def to_frame(self) -> NDArray[np.float64]:
        """(2, 3): patch coordinates, counted from pixels' edges, to the frame's."""
        step, half = self.side / self.pixels, self.side / 2
        cosine, sine = math.cos(self.roll), math.sin(self.roll)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        return np.column_stack([turn * step, np.array([self.x, self.y]) - turn @ np.array([half, half])])

    def cut(self, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(pixels, pixels) of a (height, width) frame; edges of the frame are repeated outwards."""
        # Sampled a whole number of times finer and then averaged, so that a large face does not alias.
        fine = self.pixels * min(_FINEST, max(1, round(self.side / self.pixels)))
        to_frame = View(self.x, self.y, self.side, self.roll, fine).to_frame
        # to_frame counts from pixels' edges, warpAffine from their centres.
        to_frame[:, 2] += to_frame[:, :2] @ np.array([0.5, 0.5]) - 0.5
        patch = cv2.warpAffine(
            grey, to_frame, (fine, fine), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        if fine != self.pixels:
            patch = cv2.resize(patch, (self.pixels, self.pixels), interpolation=cv2.INTER_AREA)
        return np.asarray(patch, np.uint8)


def view(face: Detection, framing: Framing, pixels: int = SIDE) -> View:
    """Where the patch lies, upright by the eyes where they are known."""
    roll = 0.0
    if face.eyes is not None:
        (x0, y0), (x1, y1) = face.eyes
        roll = math.atan2(y1 - y0, x1 - x0)
    x, y = face.box.centre
    up = face.box.width * framing.rise
    side = max(1.0, face.box.width * framing.scale)
    return View(x + up * math.sin(roll), y - up * math.cos(roll), side, roll, pixels)


def crop(grey: NDArray[np.uint8], face: Detection, framing: Framing) -> NDArray[np.uint8]:
    """(48, 48) of `grey`, the frame (height, width), as the expression model sees the face."""
    return view(face, framing).cut(grey)


def as_input(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 48, 48) or (48, 48) uint8 → (n, 48, 48, 1) float32 in 0…1: what training and device feed the model."""
    return crops.reshape(-1, SIDE, SIDE, 1).astype(np.float32) / np.float32(255.0)
