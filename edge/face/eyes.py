"""Measures how far the eyes are open, from a close-up of each eye.

The landmarks locate an eye well but its lids poorly, because at the scale of the whole face a lid moves by one pixel. A
small model therefore gets each eye separately and estimates the aspect ratio of its landmarks.
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
"""Width of an eye patch in pixels."""
HEIGHT: Final = 24
"""Height of an eye patch in pixels."""
FRONT_END: Final = "grey32x24-eye"
"""Name of this front end in model cards."""
SPAN: Final = 0.62
"""Width of the patch relative to the distance between the outer corners of the eyes."""


def eye_patch(
    grey: NDArray[np.uint8], centre: tuple[float, float], span: float, roll: float, mirrored: bool
) -> NDArray[np.uint8]:
    """Cuts out the patch around an eye.

    Args:
        grey: The frame, (height, width) uint8.
        centre: x and y of the eye's centre in pixels of the frame.
        span: Width of the patch in pixels of the frame.
        roll: Rotation of the face in radians, clockwise.
        mirrored: Whether left and right are exchanged, so that both eyes look alike to the model.

    Returns:
        (24, 32) uint8.
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
    """Converts patches to model input: (n, 24, 32) or (24, 32) uint8 → (n, 24, 32, 1) float32.

    Each patch is standardized to mean 0 and standard deviation 1 and clipped at ±3.
    """
    values = patches.reshape(-1, HEIGHT, WIDTH, 1).astype(np.float32)
    for index in range(len(values)):
        # OpenCV's reductions, because NumPy's take longer on such a small image than the model.
        mean, spread = cv2.meanStdDev(values[index])
        values[index] -= np.float32(mean[0, 0])
        values[index] /= np.float32(max(spread[0, 0], 4.0))
    return np.clip(values, -3.0, 3.0, out=values)


class Eyes:
    """The model that estimates the eye aspect ratio. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        """Loads a model; raises `ModelError` if it is not an eye model for this front end."""
        self._interpreter, self.card = open_model(path)
        if self.card.front_end.get("name") != FRONT_END:
            raise ModelError(f"model {path} wants the front end {self.card.front_end.get('name')!r}, not {FRONT_END!r}")
        self._scale = float(self.card.front_end["scale"])

    def openness(self, grey: NDArray[np.uint8], points: NDArray[np.floating]) -> float:
        """Returns the eye aspect ratio, averaged over both eyes: about 0.3 open, below 0.15 closed.

        `points` are the landmarks, (68, 2) in pixels of the frame `grey` (height, width). Raises `ModelError`.
        """
        right, left = eye_centres(points)
        roll = math.atan2(left[1] - right[1], left[0] - right[0])
        span = max(4.0, SPAN * interocular(points))
        ratios = [
            self._interpreter.run(as_input(eye_patch(grey, eye, span, roll, mirrored)))[0].item()
            for eye, mirrored in ((right, False), (left, True))
        ]
        return max(0.0, self._scale * sum(ratios) / 2)
