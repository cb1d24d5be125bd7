"""Distances around the mouth, from which it is seen who speaks."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.face.shape import eye_centres
from edge.observation import Mouth


def measure(person: int, points: NDArray[np.floating], captured_at: float, width: int) -> Mouth:
    """Measures the mouth of one face.

    The distances do not depend on the position of the head nor on its roll.

    Args:
        person: Track id of the person.
        points: The landmarks, (68, 2) in pixels of the frame.
        captured_at: Time of the frame in seconds.
        width: Width of the frame in pixels.
    """
    nose, chin = points[33], points[8]
    gaps = np.linalg.norm(points[61:64] - points[[67, 66, 65]], axis=1)
    return Mouth(
        person=person,
        captured_at=captured_at,
        gap=float(gaps.mean()),
        width=float(np.linalg.norm(points[48] - points[54])),
        jaw=float(np.linalg.norm(chin - nose)),
        lower=float(np.linalg.norm(points[57] - nose)),
        scale=math.dist(*eye_centres(points)),
        across=float(nose[0]) / width,
    )
