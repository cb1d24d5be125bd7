"""Where a head points, from its 68 landmarks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.mean_face import MEAN_FACE

_RIGID: Final = np.array([*range(17, 48), 48, 51, 54, 57])
"""Brows, nose, eyes and the corners of the mouth: the jaw's points slide along the outline as the head turns."""
_REFERENCE: Final = MEAN_FACE[_RIGID] - MEAN_FACE[_RIGID].mean(0)
_INVERSE: Final = np.linalg.pinv(_REFERENCE)


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Degrees; all 0 when the face is upright and looks at the camera."""

    yaw: float
    """Above 0: turned to the picture's right (the person's left)."""
    pitch: float
    """Above 0: looking up."""
    roll: float
    """Above 0: tilted clockwise in the picture."""


def head_pose(points: NDArray[np.floating]) -> HeadPose:
    """The rotation that best takes the mean face to `points` (68, 2), pixels, seen without perspective.

    Least squares and the nearest rotation (weak-perspective or POS: DeMenthon & Davis, IJCV 1995).
    """
    seen = np.asarray(points, np.float64)[_RIGID]
    affine = (_INVERSE @ (seen - seen.mean(0))).T
    left, _, right = np.linalg.svd(affine, full_matrices=False)
    x, y = left @ right
    forward = np.cross(x, y)
    # Column k of the rotation Rz(roll) Ry(yaw) Rx(pitch) is where axis k of the face goes; its z axis points away.
    roll = math.atan2(y[0], x[0])
    right_, down = -x[2], -y[2]
    across = math.cos(roll) * right_ + math.sin(roll) * down
    along = math.cos(roll) * down - math.sin(roll) * right_
    return HeadPose(
        yaw=math.degrees(math.atan2(across, forward[2])),
        pitch=math.degrees(math.asin(min(1.0, max(-1.0, -along)))),
        roll=math.degrees(roll),
    )
