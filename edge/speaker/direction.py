"""Evidence from the direction of the sound, where a microphone array gives one."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

DEVIATION_DEG: Final = 12.0
"""Standard deviation in degrees of a direction over an utterance: small arrays, and a speaker who moves."""
_WRONG_SHARE: Final = 0.05
"""Share of directions that are wrong, because a wall reflected the sound; they are spread over the whole circle."""


def azimuth_of(across: float, field_of_view_deg: float) -> float:
    """Returns the azimuth in degrees of a position in the image, positive to the right.

    Args:
        across: Horizontal position, 0 at the left edge of the image, 1 at the right.
        field_of_view_deg: Horizontal field of view of the camera in degrees.
    """
    return math.degrees(math.atan((2 * across - 1) * math.tan(math.radians(field_of_view_deg) / 2)))


def mean_direction(azimuths: NDArray[np.float64]) -> float | None:
    """Returns the circular mean of (n,) azimuths in degrees, −180…180; None if there are none or they cancel out."""
    if not len(azimuths):
        return None
    x, y = np.cos(np.radians(azimuths)).mean(), np.sin(np.radians(azimuths)).mean()
    return math.degrees(math.atan2(y, x)) if math.hypot(x, y) > 0.1 else None


def log_ratio(person_deg: float, sound_deg: float) -> float:
    """Returns the logarithm of how much likelier the sound comes from there if this person speaks than if another does.

    Whoever is not in the image may be anywhere around the device.

    Args:
        person_deg: Azimuth of the person in degrees.
        sound_deg: Azimuth of the sound in degrees.
    """
    distance = abs((sound_deg - person_deg + 180.0) % 360.0 - 180.0)
    density = math.exp(-0.5 * (distance / DEVIATION_DEG) ** 2) / (DEVIATION_DEG * math.sqrt(2 * math.pi))
    return math.log((1 - _WRONG_SHARE) * density * 360.0 + _WRONG_SHARE)
