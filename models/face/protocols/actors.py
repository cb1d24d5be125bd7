"""Persons cut out of photos of `landmarks68`, who appear in the clips that trackers are measured on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Box
from models.landmarks.data import read_annotations

_BOX_SIDE: Final = 1.04
"""Side of BlazeFace's box relative to that of the landmarks, median over the photos."""
_BOX_RISE: Final = 0.055
"""How much higher the centre of BlazeFace's box lies, in sides of that box, median over the photos."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A person cut out of a photo."""

    image: NDArray[np.uint8]
    """(height, width, 3) BGR image."""
    alpha: NDArray[np.float32]
    """(height, width) opacity, 0…1."""
    face: Box
    """Square box of the face in pixels of the sprite, as BlazeFace would frame it."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """One person with the sprites of one video."""

    identity: str
    """Name of the person."""
    sprites: tuple[Sprite, ...]
    """Cut-outs of the person from the frames of the video."""


def videos(folder: Path) -> dict[str, list[str]]:
    """Photo names of each video in `landmarks68/train`; `Some_Name_53.jpg` is frame 3 of the video `Some_Name_5`."""
    found: dict[str, list[str]] = {}
    for name in sorted(read_annotations(folder, "train")):
        found.setdefault(Path(name).stem[:-1], []).append(name)
    return found


def identity(video: str) -> str:
    """Name of the person in a video."""
    return video.rsplit("_", 1)[0]


def cast(folder: Path, names: Sequence[str]) -> list[Actor]:
    """The persons of the videos `names` of `landmarks68`, cut out of their photos."""
    frames, points = videos(folder), read_annotations(folder, "train")
    return [
        Actor(identity(video), tuple(_sprite(folder / "train" / name, points[name]) for name in frames[video]))
        for video in names
    ]


def _sprite(path: Path, points: NDArray[np.float64]) -> Sprite:
    image = cv2.imread(str(path))
    if image is None:
        raise FileNotFoundError(path)
    return cut_out(np.asarray(image, np.uint8), points)


def cut_out(image: NDArray[np.uint8], points: NDArray[np.float64]) -> Sprite:
    """Cuts out head and shoulders with GrabCut (Rother et al., SIGGRAPH 2004), guided by the landmarks (68, 2)."""
    height, width = image.shape[:2]
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    x, y, w, h = (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0
    below = height + h

    def chest(neck: float, shoulder: float, drop: float) -> NDArray[np.int32]:
        right = [(x + neck * w, y1), (x + shoulder * w, y1 + drop * h), (x + shoulder * w, below)]
        return np.array(right + [(2 * x - px, py) for px, py in reversed(right)], np.int32)

    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    cv2.ellipse(mask, (int(x), int(y0 + 0.3 * h)), (int(0.75 * w), int(h)), 0, 0, 360, cv2.GC_PR_FGD, -1)
    cv2.fillPoly(mask, [chest(0.4, 1.5, 0.7)], cv2.GC_PR_FGD)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.int32)), cv2.GC_FGD)
    cv2.fillPoly(mask, [chest(0.25, 0.8, 0.9)], cv2.GC_FGD)
    if (mask == cv2.GC_BGD).any():
        cv2.setRNGSeed(0)
        cv2.grabCut(image, mask, [0, 0, width, height], np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    alpha = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.float32)
    side = _BOX_SIDE * math.sqrt(w * h)
    face = Box(x - side / 2, y - _BOX_RISE * side - side / 2, side, side)
    return Sprite(image, np.asarray(cv2.GaussianBlur(alpha, (0, 0), 0.8), np.float32), face)
