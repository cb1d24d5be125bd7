"""Which face detector runs: BlazeFace over tiles where its file is, else the Haar cascade.

`python -m models.face.protocols.detection` prints what the choice rests on.
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
    """Finds faces in a BGR frame; best score first."""

    name: str
    card: Card | None
    """Of the model it runs, where it runs one of ours."""

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        """The faces in a BGR image (height, width, 3). Raises `ModelError`.

        `at`: the second of the stream that it shows; None for a picture by itself.
        """
        ...


def open_detector(settings: config.Face) -> Detector:
    """The detector that `settings.detector` names, for one stream of frames. Raises `ModelError` if it is not there."""
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
