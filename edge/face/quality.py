"""How far an observation of a face can be trusted, from the picture alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_FULL_SIDE: Final = 64.0
"""Pixels across the face from which more add nothing to a 48×48 crop."""
_FULL_SHARPNESS: Final = 730.0
"""Variance of the Laplacian: 5 % of FER2013's training images have less (`models.face.protocols.framing`)."""
_FULL_CONTRAST: Final = 32.0
"""Standard deviation of grey levels: a twentieth of FER2013's training images has less."""
_INVERTED: Final = 0.1
"""Factor for a face that stands on its head: what the model reads in it is no more than a guess."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Six factors, each 0…1."""

    size: float
    sharpness: float
    light: float
    detection: float
    pose: float
    upright: float = 1.0

    @property
    def value(self) -> float:
        """0…1: the geometric mean over four of the first five, in which sharpness and light count half, times the last.

        The weights are in the proportion in which the logarithms of the factors tell right from wrong readings of
        FER2013's training and PublicTest images, made worse (`models.face.protocols.risk_coverage` measures it).
        """
        mean = (self.size * self.detection * self.pose) ** 0.25 * (self.sharpness * self.light) ** 0.125
        return float(self.upright * mean)


def assess(
    face: NDArray[np.uint8],
    side: float,
    score: float,
    yaw: float | None = None,
    pitch: float | None = None,
    *,
    inverted: bool = False,
) -> FaceQuality:
    """The quality of one face.

    Args:
        face: The (48, 48) grey crop.
        side: Pixels across the face in the frame.
        score: The detector's, 0…1.
        yaw: Degrees that the head is turned from the camera, None where that is not known. The factor of the pose is
            the share of the face's plane that still shows.
        pitch: Likewise, up or down.
        inverted: Whether the face stands on its head.
    """
    # OpenCV's reductions: NumPy's take longer on so small a picture than the expression model.
    sharpness = float(cv2.meanStdDev(cv2.Laplacian(face, cv2.CV_32F))[1][0, 0] ** 2)
    contrast = float(cv2.meanStdDev(face)[1][0, 0])
    lit = cv2.countNonZero(cv2.inRange(face, 13, 242)) / face.size
    return FaceQuality(
        size=min(1.0, side / _FULL_SIDE),
        sharpness=min(1.0, sharpness / _FULL_SHARPNESS),
        light=min(1.0, contrast / _FULL_CONTRAST) * lit,
        detection=min(1.0, max(0.0, score)),
        pose=_towards(yaw) * _towards(pitch),
        upright=_INVERTED if inverted else 1.0,
    )


def _towards(degrees: float | None) -> float:
    return 1.0 if degrees is None else max(0.0, math.cos(math.radians(degrees)))
