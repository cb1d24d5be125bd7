"""The 68 landmarks of a face in the iBUG 300-W order, and measures derived from them.

The order is that of Sagonas et al., 300 Faces in-the-Wild Challenge, ICCV workshop 2013. Left and right are those of
the person.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

POINTS: Final = 68
"""Number of landmarks."""
JAW: Final = range(0, 17)
"""Indices of the outline of the jaw."""
BROWS: Final = range(17, 27)
"""Indices of both eyebrows."""
NOSE: Final = range(27, 36)
"""Indices of the nose."""
RIGHT_EYE: Final = range(36, 42)
"""Indices of the person's right eye."""
LEFT_EYE: Final = range(42, 48)
"""Indices of the person's left eye."""
OUTER_LIPS: Final = range(48, 60)
"""Indices of the outer contour of the lips."""
INNER_LIPS: Final = range(60, 68)
"""Indices of the inner contour of the lips."""

MIRRORED: Final = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""Index of each landmark in a mirrored image."""


def interocular(points: NDArray[np.floating]) -> float:
    """Returns the distance between the outer corners of the eyes, in the unit of `points` (68, 2)."""
    return float(np.linalg.norm(points[36] - points[45]))


def eye_centres(points: NDArray[np.floating]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Returns x and y of the centres of the person's right and left eye, in the unit of `points` (68, 2)."""
    sums = points[36:48].reshape(2, 6, 2).sum(1) / 6
    (x0, y0), (x1, y1) = sums.tolist()
    return (x0, y0), (x1, y1)


def upright_box(points: NDArray[np.floating]) -> tuple[float, float, float, float]:
    """Returns the bounding box of `points` (68, 2) after a rotation that makes the line through the eyes level.

    The result is x and y of the centre, the longer side, and the roll in radians, clockwise.
    """
    right, left = eye_centres(points)
    roll = math.atan2(left[1] - right[1], left[0] - right[0])
    turn = np.array([[math.cos(roll), math.sin(roll)], [-math.sin(roll), math.cos(roll)]])
    upright = points @ turn.T
    low, high = upright.min(0), upright.max(0)
    x, y = turn.T @ ((low + high) / 2)
    return float(x), float(y), float((high - low).max()), roll


def eye_aspect_ratio(points: NDArray[np.floating]) -> float:
    """Returns the eye aspect ratio of `points` (68, 2), averaged over both eyes: about 0.3 open, below 0.15 closed.

    Soukupová & Čech, Real-Time Eye Blink Detection using Facial Landmarks, CVWW 2016.
    """
    return (aspect_ratio(points[36:42]) + aspect_ratio(points[42:48])) / 2


def aspect_ratio(eye: NDArray[np.floating]) -> float:
    """Returns height over width of one eye, given as its six landmarks (6, 2)."""
    height = np.linalg.norm(eye[1] - eye[5]) + np.linalg.norm(eye[2] - eye[4])
    return float(height / (2.0 * max(float(np.linalg.norm(eye[0] - eye[3])), 1e-9)))


def mouth_opening(points: NDArray[np.floating]) -> float:
    """Returns the gap between the inner lips over their width, from `points` (68, 2): 0 closed, about 1 wide open."""
    gaps = np.linalg.norm(points[61:64] - points[[67, 66, 65]], axis=1)
    return float(gaps.mean() / max(float(np.linalg.norm(points[60] - points[64])), 1e-9))
