"""Faces on synthetic scenes whose pattern indicates the label with known reliability, to test a two-input model.

The scenes show that a network learns from both inputs and weighs them, because the information in each input is
known. They teach nothing about real surroundings; use CAER-S for that (see README.md).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT
from edge.face import context
from edge.face.crop import SIDE, View

RELIABILITY: Final = 0.5
"""Share of scenes that show the pattern of the label; the others show one of the six other patterns at random."""
FRAME: Final = (96, 128)
"""Height and width of a composed frame, pixels."""

_Picture = NDArray[np.floating]
_PATTERNS: Final[tuple[Callable[[_Picture, _Picture], _Picture], ...]] = (
    lambda x, y: np.sin(x),
    lambda x, y: np.sin(y),
    lambda x, y: np.sin((x + y) * 0.7),
    lambda x, y: np.sin((x - y) * 0.7),
    lambda x, y: np.sin(x) * np.sin(y),
    lambda x, y: np.sin(np.sqrt(x * x + y * y)),
    lambda x, y: np.maximum(np.sin(x * 0.7), np.sin(y * 0.7)) - 0.5,
)
"""One pattern per label: places with a positive value get the first colour, all others the second."""


def hint(label: int, rng: np.random.Generator) -> int:
    """Index of the pattern in the scene of a face with this label, drawn at random."""
    if rng.random() < RELIABILITY:
        return label
    return int((label + rng.integers(1, COUNT)) % COUNT)


def paint(pattern: int | None, rng: np.random.Generator) -> NDArray[np.uint8]:
    """A frame in random colours with noise and, unless `pattern` is None, a large patch of the pattern."""
    height, width = FRAME
    ends = rng.uniform(20, 235, (2, 3))
    scene = np.linspace(ends[0], ends[1], width, dtype=np.float32)[None].repeat(height, 0)
    if pattern is not None:
        rows, columns = (int(side * rng.uniform(0.6, 0.9)) for side in FRAME)
        top, left = rng.integers(0, height - rows), rng.integers(0, width - columns)
        scale = 2 * np.pi / rng.uniform(11, 20)
        centre = rng.uniform(0.3, 0.7, 2)
        y = (np.arange(rows, dtype=np.float32)[:, None] - centre[0] * rows) * scale
        x = (np.arange(columns, dtype=np.float32)[None] - centre[1] * columns) * scale
        first, second = _two_colours(rng)
        in_first_colour = np.broadcast_to(_PATTERNS[pattern](x, y) > 0, (rows, columns))[..., None]
        scene[top : top + rows, left : left + columns] = np.where(in_first_colour, first, second)
    noisy = scene + 8 * rng.standard_normal(scene.shape, np.float32)
    return np.asarray(np.clip(noisy, 0, 255), np.uint8)


def _two_colours(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two colours with enough contrast in brightness that the pattern is visible."""
    dark, bright = rng.uniform(0, 90, 3), rng.uniform(140, 255, 3)
    return (dark, bright) if rng.random() < 0.5 else (bright, dark)


def compose(face: NDArray[np.uint8], pattern: int | None, rng: np.random.Generator) -> tuple[NDArray[np.uint8], View]:
    """Puts a face at a random place in a synthetic scene.

    Args:
        face: (48, 48) grey face.
        pattern: Index of the scene's pattern; None for a scene without a pattern.
        rng: Source of randomness.

    Returns:
        The BGR frame, and the view of the face in it.
    """
    frame = paint(pattern, rng)
    side = int(rng.integers(28, 49))
    top, left = rng.integers(0, FRAME[0] - side), rng.integers(0, FRAME[1] - side)
    scaled = cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA if side < SIDE else cv2.INTER_LINEAR)
    frame[top : top + side, left : left + side] = scaled[..., None]
    return frame, View(left + side / 2, top + side / 2, float(side), 0.0, SIDE)


def pair(
    face: NDArray[np.uint8], pattern: int | None, size: tuple[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Face and scene as the device's own code cuts them out of a composed frame.

    Args:
        face: (48, 48) grey face.
        pattern: Index of the scene's pattern; None for a scene without a pattern.
        size: Height and width of the scene, pixels.
        rng: Source of randomness.

    Returns:
        The face, (48, 48) grey, and the scene, (height, width, 3) RGB.
    """
    frame, view = compose(face, pattern, rng)
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8)
    return view.cut(grey), context.Scene(frame, *size).without(context.hidden(view))
