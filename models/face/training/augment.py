"""Random augmentation of faces that keeps the expression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def augment(image: NDArray[np.uint8], rng: np.random.Generator, side: int | None = None) -> NDArray[np.uint8]:
    """A randomly mirrored, turned, scaled, sheared, shifted, relit and partly hidden copy.

    Args:
        image: (s, s) uint8 grey face.
        rng: Source of the randomness.
        side: Side of the copy in pixels; by default that of the image.

    Returns:
        (side, side) uint8.
    """
    side = side or image.shape[0]
    unit = side / 48
    angle, shear = np.deg2rad(rng.uniform(-14, 14)), rng.uniform(-0.08, 0.08)
    scale = np.exp(rng.uniform(-0.14, 0.14))
    shift = rng.uniform(-3.0, 3.0, 2) * unit
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle) + shear], [np.sin(angle), np.cos(angle)]])
    matrix = scale * turn @ np.diag([mirror, 1.0]) * (side / image.shape[0])
    centre, middle = np.full(2, (side - 1) / 2), np.full(2, (image.shape[0] - 1) / 2)
    affine = np.column_stack([matrix, centre - matrix @ middle + shift])
    if side < image.shape[0]:  # a picture that shrinks is smoothed first, so that it does not alias
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.45 * image.shape[0] / side), np.uint8)
    moved = cv2.warpAffine(image, affine, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    lit = cv2.convertScaleAbs(moved, alpha=float(np.exp(rng.uniform(-0.3, 0.3))), beta=float(rng.uniform(-22, 22)))
    if rng.random() < 0.4:
        height, width = (rng.integers(6, 17, 2) * unit).astype(int)
        top, left = rng.integers(0, side - height), rng.integers(0, side - width)
        lit[top : top + height, left : left + width] = rng.integers(0, 256)
    return lit.astype(np.uint8)
