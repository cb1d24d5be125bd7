"""Which face detector runs: BlazeFace over tiles where its file is, else the Haar cascade.

`python -m models.face.detection` prints what the choice rests on.
"""

from __future__ import annotations

import logging
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.errors import ModelError
from edge.face.blazeface import BlazeFace
from edge.face.blazeface_file import find
from edge.face.boxes import Detection
from edge.face.haar import HaarFace
from edge.face.tiles import TiledBlazeFace
from edge.inference.card import Card
from edge.inference.interpreter import open_model

log = logging.getLogger(__name__)

_NEW_FACE_S: Final = 0.3
"""Within so many seconds a new face must be found."""
_FRAME_LATE: Final = 4 / 3
"""Times longer than asked for are rounds of detection that wait for the next frame: every 0.133 s at 15 fps."""


class Detector(Protocol):
    """Finds faces in a BGR frame; best score first."""

    name: str
    card: Card | None
    """Of the model it runs, where it runs one of ours."""

    def detect(self, image: NDArray[np.uint8]) -> tuple[Detection, ...]: ...


def open_detector(settings: config.Face) -> Detector:
    """The detector that `settings.detector` names, for one stream of frames. Raises `ModelError` if it is not there."""
    if settings.detector == "haar":
        return HaarFace(settings.min_score)
    path = find()
    if path is not None:
        interpreter, card = open_model(path)
        detector = BlazeFace(interpreter, settings.min_score, card)
        return TiledBlazeFace(detector, settings.min_score, settings.max_distance_m, rounds(settings.detect_every_s))
    if settings.detector == "blazeface":
        raise ModelError("the BlazeFace file is not there: `python -m models.face.fetch` gets it")
    log.warning("BlazeFace is not there (`python -m models.face.fetch` gets it): the Haar cascade finds faces")
    return HaarFace(settings.min_score)


def rounds(every_s: float) -> int:
    """Rounds of detection, one every `every_s` seconds, over which the search of a frame may be shared."""
    return max(1, int(_NEW_FACE_S / (every_s * _FRAME_LATE)))
