"""Moves the mouth of the portrait of the built-in clip as that of a puppet: the louder the sound, the wider it opens.

The lower lip and the chin move down, the corners of the mouth move inwards a little, and the gap between the upper
teeth and the lower lip is filled with a dark colour. The rest of the face stays as it was photographed. All
coordinates are pixels of the portrait.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

SEAM: Final = (
    (204.5, 140.5),
    (208.0, 144.6),
    (214.0, 148.2),
    (221.0, 149.8),
    (228.0, 149.4),
    (235.0, 147.6),
    (240.0, 145.0),
    (243.5, 141.5),
)
"""Points (x, y) of the line between the upper teeth and the lower lip, read off the portrait."""
CHIN_Y: Final = 177.0
"""Row of the tip of the chin."""
NECK_Y: Final = 202.0
"""Row from which on nothing moves."""
WIDEST: Final = 8.0
"""How far the lower lip moves down at the loudest sound; the eyes are 45 pixels apart."""
JAW_SHARE: Final = 0.8
"""Share of the movement of the lip by which the chin moves."""
NARROWING: Final = 0.12
"""Share of its width by which the mouth is narrower when it is open widest."""
INSIDE: Final = (58, 22, 24)
"""Colour (red, green, blue) of the inside of the mouth."""
LEAD_S: Final = 0.04
"""Seconds by which the mouth moves ahead of the sound, as that of a speaker does."""
RANGE_DB: Final = 24.0
"""Sound at least this many decibels below the loudest leaves the mouth at rest."""
CURVE: Final = 1.5
"""Exponent from the level to the opening: above 1, the mouth nearly closes between syllables."""

_STEPS_A_SECOND: Final = 100
_SMOOTHING_S: Final = 0.03
"""Standard deviation in seconds with which the level is smoothed."""
_LIP_ROWS: Final = 14.0
"""Rows below the seam over which the movement of the lip passes into that of the jaw."""
_JAW_WIDTH, _CORNER_WIDTH, _CORNER_HEIGHT = 24.0, 30.0, 18.0
"""Standard deviations of the Gaussian weights of the movement down (across) and inwards (across and along)."""
_LEFT, _TOP, _RIGHT, _BOTTOM = 130, 100, 320, 210
"""Edges of the part of the portrait that is computed anew."""


def openings(track: NDArray[np.float32], rate: int, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns how far the mouth is open at each time: (n,), 0 (at rest) … 1 (at the loudest sound).

    Args:
        track: The sound, (samples,) in −1…1.
        rate: Its sampling rate in hertz, a multiple of 100.
        times: (n,) seconds.
    """
    step = rate // _STEPS_A_SECOND
    power = np.square(track[: len(track) // step * step].astype(np.float64)).reshape(-1, step).mean(1)
    offsets = np.arange(-10, 11) / _STEPS_A_SECOND
    weights = np.exp(-0.5 * (offsets / _SMOOTHING_S) ** 2)
    level = 10 * np.log10(np.convolve(power, weights / weights.sum(), "same") + 1e-12)
    opening = np.clip((level - level.max()) / RANGE_DB + 1, 0, 1) ** CURVE
    middles = (np.arange(len(level)) + 0.5) / _STEPS_A_SECOND
    return np.asarray(np.interp(times + LEAD_S, middles, opening), np.float64)


def opened(portrait: NDArray[np.uint8], opening: float) -> NDArray[np.uint8]:
    """Returns the portrait, (512, 512, 3) uint8 RGB, with its mouth opened by `opening`, 0 (as it is) … 1."""
    columns, rows = np.arange(_LEFT, _RIGHT, dtype=np.float64), np.arange(_TOP, _BOTTOM, dtype=np.float64)
    from_y, inside = _downwards(columns, rows, opening)
    centre = (SEAM[0][0] + SEAM[-1][0]) / 2
    x, y = np.meshgrid(columns, rows)
    middle = max(y for _, y in SEAM)
    near = np.exp(-0.5 * (((x - centre) / _CORNER_WIDTH) ** 2 + ((y - middle) / _CORNER_HEIGHT) ** 2))
    from_x = centre + (x - centre) * (1 + opening * NARROWING * near)
    # The movement down was computed for a mouth of full width, so its maps are narrowed like the picture.
    grid = (np.asarray(from_x - _LEFT, np.float32), np.asarray(y - _TOP, np.float32))
    rows_from, shares = (
        np.asarray(cv2.remap(a, *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)) for a in (from_y, inside)
    )
    moved = cv2.remap(portrait, np.asarray(from_x, np.float32), rows_from.astype(np.float32), cv2.INTER_CUBIC)
    share = shares.astype(np.float64)[..., None]
    result = portrait.copy()
    result[_TOP:_BOTTOM, _LEFT:_RIGHT] = np.rint(moved * (1 - share) + np.array(INSIDE) * share).astype(np.uint8)
    return result


def _downwards(
    columns: NDArray[np.float64], rows: NDArray[np.float64], opening: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Moves lip and jaw down.

    Args:
        columns: (width,) x of the computed part.
        rows: (height,) y of the computed part.
        opening: How far the mouth is open, 0…1.

    Returns:
        For each pixel of the result, (height, width): the row of the portrait from which it comes, and the share, 0…1,
        of the inside of the mouth in it.
    """
    points = np.array(SEAM)
    seams = np.interp(columns, points[:, 0], points[:, 1])
    across = columns - (points[0, 0] + points[-1, 0]) / 2
    half = (points[-1, 0] - points[0, 0]) / 2
    lips = opening * WIDEST * np.sqrt(np.clip(1 - (across / half) ** 2, 0, 1))
    jaws = opening * WIDEST * JAW_SHARE * np.exp(-0.5 * (across / _JAW_WIDTH) ** 2)
    from_y, inside = np.empty((2, len(rows), len(columns)), np.float32)
    for k, (seam, lip, jaw) in enumerate(zip(seams, lips, jaws, strict=True)):
        below = np.arange(seam, _BOTTOM + 1.0, 0.5)
        passed = _smooth_step((below - seam) / _LIP_ROWS)
        held = _smooth_step((below - CHIN_Y) / (NECK_Y - CHIN_Y))
        moved = below + (lip * (1 - passed) + jaw * passed) * (1 - held)
        # Within the gap, its upper half continues the teeth and its lower half the lip, for soft edges of the inside.
        upper = rows < seam + lip / 2
        from_y[:, k] = np.where(upper, np.minimum(rows, seam), np.interp(rows, moved, below))
        inside[:, k] = np.clip(rows - seam, 0, 1) * np.clip(moved[0] - rows, 0, 1)
    return from_y, inside


def _smooth_step(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rises smoothly from 0 (at 0 and below) to 1 (at 1 and above)."""
    inside = np.clip(share, 0, 1)
    return inside * inside * (3 - 2 * inside)
