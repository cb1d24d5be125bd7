"""One augmented view of a face at the side that the network sees, from pictures of any side."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face import data
from models.face.training.augment import augment
from models.face.training.degrade import worsen

NATIVE_SHARE: Final = 0.6
"""Share of the sharper faces that are shown with all their pixels; the others first shrink to 48 pixels, as far faces
do, so that the network does not learn to tell the corpora apart by their sharpness."""


def enlarged(images: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """(n, side, side) uint8 from (n, s, s): bilinear, or averaged where the pictures shrink."""
    if images.shape[1] == side:
        return images
    how = cv2.INTER_LINEAR if images.shape[1] < side else cv2.INTER_AREA
    return np.stack([cv2.resize(image, (side, side), interpolation=how) for image in images]).astype(np.uint8)


def view(image: NDArray[np.uint8], side: int, worse: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random view of a face.

    Args:
        image: (s, s) uint8 grey.
        side: Side of the view in pixels.
        worse: Share of the views that are also degraded by `models.face.training.degrade.worsen`, 0…1.
        rng: Source of the randomness.

    Returns:
        (side, side) uint8.
    """
    native = image.shape[0] > data.SIDE and rng.random() < NATIVE_SHARE
    found = augment(image, rng, side if native else data.SIDE)
    if worse and rng.random() < worse:
        found = worsen(found, rng)
    return np.asarray(enlarged(found[None], side)[0], np.uint8)
