"""Boxes and landmarks of faces, and the geometry they share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the frame; may reach beyond its edges."""

    left: float
    top: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0…1."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Detection:
    """One face as a detector saw it."""

    box: Box
    score: float
    """0…1."""
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None
    """Centres of the eye at the left and at the right of the picture, in pixels; None if the detector has none."""


def blend_overlapping(
    boxes: NDArray[np.float64], scores: NDArray[np.float64], threshold: float = 0.3
) -> list[tuple[NDArray[np.float64], float]]:
    """Non-maximum suppression that averages what overlaps, weighted by score (BlazeFace, section 3.4).

    `boxes` (n, ≥4): left, top, width, height and any further columns; `scores` (n,). Best score first.
    """
    order = list(np.argsort(-scores, kind="stable"))
    kept: list[tuple[NDArray[np.float64], float]] = []
    while order:
        best = Box(*boxes[order[0], :4])
        group = [i for i in order if i == order[0] or best.iou(Box(*boxes[i, :4])) > threshold]
        kept.append((np.average(boxes[group], axis=0, weights=scores[group]), float(scores[order[0]])))
        order = [i for i in order if i not in group]
    return kept
