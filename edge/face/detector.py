"""Selects the face detector: BlazeFace over tiles if its model file is installed, else the Haar cascade.

`python -m models.face.protocols.detection` prints the measurements behind this choice.
"""

from __future__ import annotations

import logging
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.errors import ModelError
from edge.face.blazeface import BlazeFace
from edge.face.blazeface_file import MISSING, find
from edge.face.boxes import Detection
from edge.face.haar import HaarFace
from edge.face.tiles import TiledBlazeFace
from edge.inference.card import Card
from edge.inference.interpreter import open_model

log = logging.getLogger(__name__)


class Detector(Protocol):
    """Finds faces in BGR frames."""

    name: str
    """Name of the detector, a key of `edge.face.crop.FRAMINGS`."""
    card: Card | None
    """Card of the detector's model; None if it has no card."""

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        """Returns the faces in a BGR image (height, width, 3), best score first.

        `at` is the time of the image in its stream, in seconds; None for a single image. Raises `ModelError`.
        """
        ...


def open_detector(settings: config.Face) -> Detector:
    """Opens the detector named by `settings.detector`, for one stream of frames.

    Raises `ModelError` if its model file is missing or invalid.
    """
    if settings.detector == "haar":
        return HaarFace(settings.min_score)
    path = find()
    if path is not None:
        interpreter, card = open_model(path)
        detector = BlazeFace(interpreter, settings.min_score, card)
        return TiledBlazeFace(detector, settings.min_score, settings.max_distance_m)
    if settings.detector == "blazeface":
        raise ModelError(MISSING)
    log.warning("%s; until then the Haar cascade finds faces, with more misses", MISSING)
    return HaarFace(settings.min_score)
