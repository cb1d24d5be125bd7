"""OpenCV's Haar cascade: the face detector that needs no model file of its own.

Viola & Jones, "Rapid object detection using a boosted cascade of simple features", CVPR 2001.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.face.boxes import Box, Detection
from edge.inference.card import Card

_LONG_SIDE: Final = 320
"""Longer side in pixels to which larger frames are scaled down."""
_HALF_SCORE_WEIGHT: Final = 3.15
"""Weight of the cascade's last stage that scores 0.5. A weight of 4.0, below which most detections are false, scores
0.7."""


class HaarFace:
    """Finds upright frontal faces of at least a tenth of the frame's longer side; gives no landmarks."""

    name = "haar"
    """Name of the detector in the configuration and in observations."""
    card: Card | None = None
    """The cascade comes with OpenCV and has no model card."""

    def __init__(self, min_score: float = 0.5, long_side: int = _LONG_SIDE) -> None:
        """Loads the cascade that is installed with OpenCV.

        Args:
            min_score: Minimum score of a face, 0…1.
            long_side: Longer side in pixels to which larger frames are scaled down; a face needs 24 of these pixels.

        Raises:
            ModelError: The installed OpenCV has no Haar cascade.
        """
        file = "haarcascade_frontalface_default.xml"
        folder = Path(getattr(getattr(cv2, "data", None), "haarcascades", "/usr/share/opencv4/haarcascades"))
        cascade: Any = cv2.CascadeClassifier(str(folder / file)) if hasattr(cv2, "CascadeClassifier") else None
        if cascade is None or cascade.empty():
            raise ModelError(
                f"no Haar cascade: {folder / file} is missing; install 'opencv-python-headless<5', or use "
                'face.detector = "blazeface"'
            )
        self._cascade = cascade
        self._min_score = min_score
        self._long_side = long_side

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        """Returns the faces in a BGR image (height, width, 3), best score first; `at` is not used.

        A cascade gives no probabilities, so the score is a logistic function of the last stage's weight.
        """
        scale = min(1.0, self._long_side / max(image.shape[:2]))
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
        boxes, _, weights = self._cascade.detectMultiScale3(
            cv2.equalizeHist(small), scaleFactor=1.1, minNeighbors=4, minSize=(24, 24), outputRejectLevels=True
        )
        found = [
            Detection(
                Box(*(float(value) / scale for value in box)),
                float(1 / (1 + np.exp(-(np.ravel(weight)[0] - _HALF_SCORE_WEIGHT)))),
            )
            for box, weight in zip(boxes, weights, strict=True)
        ]
        return tuple(sorted((face for face in found if face.score >= self._min_score), key=lambda face: -face.score))
