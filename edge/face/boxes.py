"""Bounding boxes and detections of faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels of the frame; it may extend beyond the frame."""

    left: float
    """Left edge."""
    top: float
    """Top edge."""
    width: float
    """Width."""
    height: float
    """Height."""

    @property
    def centre(self) -> tuple[float, float]:
        """x and y of the centre in pixels."""
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def area(self) -> float:
        """Area in square pixels; 0 for a negative width or height."""
        return max(0.0, self.width) * max(0.0, self.height)

    def iou(self, other: Box) -> float:
        """Returns the intersection over union with another box, 0…1."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)


@dataclass(frozen=True, slots=True)
class Detection:
    """One face as reported by a detector."""

    box: Box
    """Bounding box of the face."""
    score: float
    """Confidence of the detector, 0…1."""
    eyes: tuple[tuple[float, float], tuple[float, float]] | None = None
    """Centres in pixels of the left and the right eye as seen in the image; None if the detector gives none."""


def blend_overlapping(
    boxes: NDArray[np.float64], scores: NDArray[np.float64], threshold: float = 0.3
) -> list[tuple[NDArray[np.float64], float]]:
    """Non-maximum suppression that averages overlapping boxes, weighted by score (BlazeFace, section 3.4).

    Args:
        boxes: (n, ≥4): left, top, width, height and any further columns, which are averaged too.
        scores: (n,), above 0.
        threshold: Boxes with a greater intersection over union with the best box are merged into it, 0…1.

    Returns:
        The merged rows, each with the best score of its group; best score first.
    """
    order = list(np.argsort(-scores, kind="stable"))
    kept: list[tuple[NDArray[np.float64], float]] = []
    while order:
        best = Box(*boxes[order[0], :4])
        group = [i for i in order if i == order[0] or best.iou(Box(*boxes[i, :4])) > threshold]
        kept.append((np.average(boxes[group], axis=0, weights=scores[group]), float(scores[order[0]])))
        order = [i for i in order if i not in group]
    return kept
