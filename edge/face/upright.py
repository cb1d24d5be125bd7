"""Whether a face stands upright: a second look by the detector, with the picture turned by 180 degrees."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.boxes import Detection
from edge.face.crop import Framing, view
from edge.face.detector import Detector
from edge.face.tracker import Track

_WINDOW: Final = Framing(2.0, 0.0)
"""The detector sees a square of twice the width of the face."""
_PIXELS: Final = 128
"""Side of that square as the detector gets it: what BlazeFace sees, and enough for the Haar cascade."""
_CENTRAL: Final = 0.25
"""A face counts where its centre is within this share of the square's side of the middle: others may be in it too."""
_TURNED: Final = 0.03
"""A face whose score is higher by this much upside down stands on its head.

Of 692 upright faces none came above 0.0 with BlazeFace, of 180 inverted ones a hundredth came below 0.055.
"""
_AGAIN_S: Final = 1.0
"""Seconds between two looks at the same person: cameras and heads do not turn over often."""
_LOOKS: Final = 2
"""Persons looked at in one frame at most, so that a crowd does not stop the loop."""
_NEWEST: Final = 0.5
"""Share of the newest look in the judgement; the first look alone decides until there is another."""


def preference(detector: Detector, image: NDArray[np.uint8], face: Detection) -> float:
    """How much better a detector's score of a face is upside down than as it was found: −1…1, above 0 for inverted.

    Args:
        detector: Must give the same faces for the same picture; it keeps no memory of this look.
        image: The frame, (height, width, 3) BGR.
        face: As found in the frame; where its eyes are known, the square is turned upright by them first.

    Raises:
        ModelError: The detector failed.
    """
    square = view(face, _WINDOW, _PIXELS).cut(image)
    return _score(detector, np.ascontiguousarray(square[::-1, ::-1])) - _score(detector, square)


def _score(detector: Detector, square: NDArray[np.uint8]) -> float:
    middle = _PIXELS / 2
    return max(
        (
            face.score
            for face in detector.detect(square)
            if math.dist(face.box.centre, (middle, middle)) < _CENTRAL * _PIXELS
        ),
        default=0.0,
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    """What the looks at one person gave."""

    preference: float
    at: float
    """Seconds, of the last look."""


class UprightCheck:
    """Remembers for each person whether the face stands on its head. No clock; not thread-safe."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._looked: dict[int, _Looked] = {}

    def update(self, tracks: Sequence[Track], image: NDArray[np.uint8], now: float) -> None:
        """Looks at those persons again whose turn it is, at most `_LOOKS` of them, those never looked at first.

        Args:
            tracks: The faces just found.
            image: The frame they were found in, (height, width, 3) BGR.
            now: Seconds of the frame; where time goes back everybody is looked at anew.

        Raises:
            ModelError: The detector failed.
        """
        if any(now < known.at for known in self._looked.values()):
            self._looked.clear()
        due = sorted(tracks, key=lambda track: (self._looked_at(track.person), track.person))
        for track in due[:_LOOKS]:
            person = track.person
            if now - self._looked_at(person) < _AGAIN_S:
                break
            newest = preference(self._detector, image, track.face)
            known = self._looked.get(person)
            before = newest if known is None else known.preference
            self._looked[person] = _Looked(before + _NEWEST * (newest - before), now)

    def inverted(self, person: int) -> bool:
        """Whether the person's face stood on its head lately; False for somebody who was not looked at yet."""
        known = self._looked.get(person)
        return known is not None and known.preference > _TURNED

    def keep(self, persons: Collection[int]) -> None:
        """Forgets everybody else, so that memory stays bounded."""
        self._looked = {person: known for person, known in self._looked.items() if person in persons}

    def _looked_at(self, person: int) -> float:
        known = self._looked.get(person)
        return -math.inf if known is None else known.at
