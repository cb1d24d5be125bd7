"""Quality of a face image: how far an observation can be trusted, judged from the image alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_FULL_SIDE: Final = 64.0
"""Width of a face in pixels beyond which more pixels do not improve a 48×48 crop."""
_FULL_SHARPNESS: Final = 730.0
"""Variance of the Laplacian that counts as fully sharp: 5 % of FER2013's training images have less
(`models.face.protocols.framing`)."""
_FULL_CONTRAST: Final = 32.0
"""Standard deviation of grey levels that counts as full contrast: 5 % of FER2013's training images have less."""
_INVERTED_FACTOR: Final = 0.1
"""Factor for an upside-down face, on which the expression model can only guess."""


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Six factors of the quality, each 0…1."""

    size: float
    """Width of the face relative to `_FULL_SIDE`."""
    sharpness: float
    """Variance of the Laplacian relative to `_FULL_SHARPNESS`."""
    light: float
    """Contrast relative to `_FULL_CONTRAST`, times the share of pixels that are neither under- nor overexposed."""
    detection: float
    """Score of the face detector."""
    pose: float
    """Share of the face's plane that is visible at this yaw and pitch."""
    upright: float = 1.0
    """1 for an upright face, `_INVERTED_FACTOR` for an upside-down one."""

    @property
    def value(self) -> float:
        """Overall quality, 0…1: a weighted geometric mean of the first five factors, times `upright`.

        Sharpness and light have weight 1/8, the others 1/4. The weights are proportional to how well the logarithms of
        the factors separate correct from wrong predictions on degraded training and PublicTest images of FER2013
        (measured by `models.face.protocols.risk_coverage`).
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
    """Assesses the quality of one face image.

    Args:
        face: The crop, (48, 48) uint8 grey.
        side: Width of the face in pixels of the frame.
        score: Score of the detector, 0…1.
        yaw: Yaw of the head in degrees, None if unknown.
        pitch: Pitch of the head in degrees, None if unknown.
        inverted: Whether the face is upside down.
    """
    # OpenCV's reductions, because NumPy's take longer on such a small image than the expression model.
    sharpness = float(cv2.meanStdDev(cv2.Laplacian(face, cv2.CV_32F))[1][0, 0] ** 2)
    contrast = float(cv2.meanStdDev(face)[1][0, 0])
    lit = cv2.countNonZero(cv2.inRange(face, 13, 242)) / face.size
    return FaceQuality(
        size=min(1.0, side / _FULL_SIDE),
        sharpness=min(1.0, sharpness / _FULL_SHARPNESS),
        light=min(1.0, contrast / _FULL_CONTRAST) * lit,
        detection=min(1.0, max(0.0, score)),
        pose=_visible_share(yaw) * _visible_share(pitch),
        upright=_INVERTED_FACTOR if inverted else 1.0,
    )


def _visible_share(degrees: float | None) -> float:
    return 1.0 if degrees is None else max(0.0, math.cos(math.radians(degrees)))
