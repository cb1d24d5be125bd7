"""How far the eyes are open, read from a close look at each eye.

The landmarks place an eye well and its lids badly: over the whole face a lid moves by a pixel. A small model looks at
each eye by itself and estimates the aspect ratio that landmarks of it would have.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.face.shape import eye_centres, interocular
from edge.inference.interpreter import open_model

WIDTH: Final = 32
HEIGHT: Final = 24
FRONT_END: Final = "grey32x24-eye"
SPAN: Final = 0.62
"""Width of the patch over the distance of the outer eye corners."""


def eye_patch(
    grey: NDArray[np.uint8], centre: tuple[float, float], span: float, roll: float, mirrored: bool
) -> NDArray[np.uint8]:
    """(24, 32) of a (height, width) frame: `span` pixels wide around `centre`, turned by `roll` radians.

    `mirrored`: left and right exchanged, so that both eyes look alike to the model.
    """
    step = span / WIDTH
    cosine, sine = math.cos(roll) * step, math.sin(roll) * step
    across = -1.0 if mirrored else 1.0
    x, y = centre[0] - 0.5, centre[1] - 0.5
    half = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    to_frame = np.array(
        [
            [across * cosine, -sine, x - across * cosine * half[0] + sine * half[1]],
            [across * sine, cosine, y - across * sine * half[0] - cosine * half[1]],
        ]
    )
    patch = cv2.warpAffine(
        grey,
        to_frame,
        (WIDTH, HEIGHT),
        flags=(cv2.INTER_LINEAR if step < 1.5 else cv2.INTER_AREA) | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(patch, np.uint8)


def as_input(patches: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 24, 32) or (24, 32) uint8 → (n, 24, 32, 1) float32, each patch with mean 0 and deviation 1, cut at ±3."""
    values = patches.reshape(-1, HEIGHT, WIDTH, 1).astype(np.float32)
    for index in range(len(values)):
        # OpenCV's reductions: NumPy's take longer on so small a picture than the model.
        mean, spread = cv2.meanStdDev(values[index])
        values[index] -= np.float32(mean[0, 0])
        values[index] /= np.float32(max(spread[0, 0], 4.0))
    return np.clip(values, -3.0, 3.0, out=values)


class Eyes:
    """Not thread-safe. Raises `ModelError` for a model that is not one of eyes for this front end."""

    def __init__(self, path: Path) -> None:
        self._interpreter, self.card = open_model(path)
        if self.card.front_end.get("name") != FRONT_END:
            raise ModelError(f"model {path} wants the front end {self.card.front_end.get('name')!r}, not {FRONT_END!r}")
        self._scale = float(self.card.front_end["scale"])

    def openness(self, grey: NDArray[np.uint8], points: NDArray[np.floating]) -> float:
        """The eye aspect ratio, mean of both eyes; `points` (68, 2) in pixels of `grey` (height, width)."""
        right, left = eye_centres(points)
        roll = math.atan2(left[1] - right[1], left[0] - right[0])
        span = max(4.0, SPAN * interocular(points))
        ratios = [
            self._interpreter.run(as_input(eye_patch(grey, eye, span, roll, mirrored)))[0].item()
            for eye, mirrored in ((right, False), (left, True))
        ]
        return max(0.0, self._scale * sum(ratios) / 2)
