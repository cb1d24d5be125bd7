"""The landmark model: from a 64×64 grey patch to 68 points in the frame."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.face.boxes import Detection
from edge.face.crop import SIDE, Framing, View, view
from edge.face.shape import POINTS, upright_box
from edge.inference.interpreter import open_model

PIXELS: Final = 64
"""Width and height of the model's input in pixels."""
FRONT_END: Final = "grey64-landmarks"
"""Name of this front end in model cards."""

FRAMINGS: Final = {"blazeface": Framing(1.402, -0.076), "haar": Framing(1.241, -0.168)}
"""Detector → framing of the landmark patch: medians over the training photos.

`python -m models.face.protocols.framing` prints them, accurate to 0.006.
"""

_EXPRESSION_FRAMING: Final = Framing(1.218, 0.161)
"""Framing of a face in FER2013 relative to the upright box of its landmarks: medians over its training images."""


def expression_view(points: NDArray[np.floating]) -> View:
    """Returns the view for the expression model, from landmarks `points` (68, 2) in pixels of the frame."""
    x, y, side, roll = upright_box(points)
    rise = _EXPRESSION_FRAMING.rise * side
    return View(x + rise * math.sin(roll), y - rise * math.cos(roll), side * _EXPRESSION_FRAMING.scale, roll, SIDE)


def as_input(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Converts patches to model input, in training and on the device.

    (n, 64, 64) or (64, 64) uint8 → (n, 64, 64, 1) float32 in 0…1.
    """
    return patches.reshape(-1, PIXELS, PIXELS, 1).astype(np.float32) / np.float32(255.0)


class Landmarks:
    """The model that locates 68 landmarks. Not thread-safe."""

    def __init__(self, path: Path, detector: str) -> None:
        """Loads a model for faces of the named detector.

        Raises `ModelError` if it is not a model of 68 landmarks for this front end.
        """
        self._interpreter, self.card = open_model(path)
        self._framing = FRAMINGS[detector]
        front_end = self.card.front_end
        mean, scale = np.asarray(front_end.get("mean", ()), np.float64), front_end.get("scale")
        if front_end.get("name") != FRONT_END or mean.shape != (POINTS, 2) or not isinstance(scale, float):
            raise ModelError(f"model {path} is not one of 68 landmarks for the front end {FRONT_END!r}")
        self._mean, self._scale = mean, scale

    def find(self, grey: NDArray[np.uint8], face: Detection) -> NDArray[np.float64]:
        """Returns (68, 2): x and y of the landmarks in pixels of the frame, counted from the edges of pixels.

        `grey` is the frame, (height, width) uint8. Raises `ModelError`.
        """
        region = view(face, self._framing, PIXELS)
        offsets = self._interpreter.run(as_input(region.cut(grey)))[0].reshape(POINTS, 2)
        inside = (self._mean + offsets * self._scale) * PIXELS
        matrix = region.to_frame
        return np.asarray(inside @ matrix[:, :2].T + matrix[:, 2], np.float64)
