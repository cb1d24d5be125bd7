"""Head pose from 68 landmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.mean_face import MEAN_FACE

_RIGID: Final = np.array([*range(17, 48), 48, 51, 54, 57])
"""Indices of the landmarks used: brows, nose, eyes and mouth without the jaw, whose points slide along the outline of
the face as the head turns."""
_REFERENCE: Final = MEAN_FACE[_RIGID] - MEAN_FACE[_RIGID].mean(0)
"""(n, 3): these landmarks of the mean face, centred."""
_INVERSE: Final = np.linalg.pinv(_REFERENCE)
"""(3, n): pseudo-inverse of `_REFERENCE`, which solves the least-squares fit."""


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Rotation of the head in degrees; all angles are 0 for an upright face that looks at the camera."""

    yaw: float
    """Rotation about the vertical axis; positive: turned to the right of the image (the person's left)."""
    pitch: float
    """Rotation about the lateral axis; positive: looking up."""
    roll: float
    """Rotation in the image plane; positive: tilted clockwise."""


def head_pose(points: NDArray[np.floating]) -> HeadPose:
    """Returns the rotation that best maps the mean face to landmarks `points` (68, 2) in pixels, without perspective.

    The method is a least-squares fit followed by the nearest rotation (weak perspective, or POS: DeMenthon & Davis,
    IJCV 1995).
    """
    seen = np.asarray(points, np.float64)[_RIGID]
    affine = (_INVERSE @ (seen - seen.mean(0))).T
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    x, y = left @ right
    forward = np.cross(x, y)
    # Column k of the rotation Rz(roll) Ry(yaw) Rx(pitch) is the image of axis k of the face; z points away.
    roll = math.atan2(y[0], x[0])
    right_, down = -x[2], -y[2]
    across = math.cos(roll) * right_ + math.sin(roll) * down
    along = math.cos(roll) * down - math.sin(roll) * right_
    return HeadPose(
        yaw=math.degrees(math.atan2(across, forward[2])),
        pitch=math.degrees(math.asin(min(1.0, max(-1.0, -along)))),
        roll=math.degrees(roll),
    )
