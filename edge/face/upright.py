"""Detects upside-down faces by a second pass of the face detector on the image rotated by 180 degrees."""

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
"""Framing of the detector's input: a square of twice the width of the face."""
_SIDE: Final = 128
"""Side of the detector's input in pixels: that of BlazeFace, and enough for the Haar cascade."""
_MAX_OFFSET: Final = 0.25
"""Maximum distance of a face from the centre of the square, in sides of the square; others are different persons."""
_INVERSION_MARGIN: Final = 0.03
"""Lead in score of the rotated image above which a face counts as upside down.

With BlazeFace, none of 692 upright faces exceeded 0.0, and 1 % of 180 inverted faces were below 0.055.
"""
_RECHECK_S: Final = 1.0
"""Seconds between two checks of the same person, since cameras and heads rarely turn over."""
_MAX_CHECKS: Final = 2
"""Maximum number of persons checked per frame, so that a crowd does not stall the loop."""
_NEWEST_WEIGHT: Final = 0.5
"""Weight of the newest check in the running average, which starts with the first check."""


def preference(detector: Detector, image: NDArray[np.uint8], face: Detection) -> float:
    """Compares the detector's score of a face rotated by 180° with its score as found.

    Args:
        detector: The face detector; it is called without a time, so that it does not remember the image.
        image: The frame, (height, width, 3) uint8 BGR.
        face: The face as found in the frame. If its eyes are known, the square is first rotated to make them level.

    Returns:
        The score of the rotated face minus the score as found, −1…1; positive for an upside-down face.

    Raises:
        ModelError: The detector failed.
    """
    square = view(face, _WINDOW, _SIDE).cut(image)
    return _central_score(detector, np.ascontiguousarray(square[::-1, ::-1])) - _central_score(detector, square)


def _central_score(detector: Detector, square: NDArray[np.uint8]) -> float:
    middle = _SIDE / 2
    return max(
        (
            face.score
            for face in detector.detect(square)
            if math.dist(face.box.centre, (middle, middle)) < _MAX_OFFSET * _SIDE
        ),
        default=0.0,
    )


@dataclass(frozen=True, slots=True)
class _Check:
    """Result of the checks of one person."""

    preference: float
    """Running average of `preference`, −1…1."""
    at: float
    """Time of the last check in seconds."""


class UprightCheck:
    """Remembers for each person whether the face is upside down. It reads no clock and is not thread-safe."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._checks: dict[int, _Check] = {}

    def update(self, tracks: Sequence[Track], image: NDArray[np.uint8], now: float) -> None:
        """Checks the persons who are due, at most `_MAX_CHECKS` of them, starting with those never checked.

        Args:
            tracks: The faces found in the frame.
            image: The frame, (height, width, 3) uint8 BGR.
            now: Time of the frame in seconds. If it goes back, all earlier checks are forgotten.

        Raises:
            ModelError: The detector failed.
        """
        if any(now < known.at for known in self._checks.values()):
            self._checks.clear()
        due = sorted(tracks, key=lambda track: (self._checked_at(track.person), track.person))
        for track in due[:_MAX_CHECKS]:
            person = track.person
            if now - self._checked_at(person) < _RECHECK_S:
                break
            newest = preference(self._detector, image, track.face)
            known = self._checks.get(person)
            before = newest if known is None else known.preference
            self._checks[person] = _Check(before + _NEWEST_WEIGHT * (newest - before), now)

    def inverted(self, person: int) -> bool:
        """Returns whether the person's face was recently upside down; False for a person who was never checked."""
        known = self._checks.get(person)
        return known is not None and known.preference > _INVERSION_MARGIN

    def keep(self, persons: Collection[int]) -> None:
        """Drops the state of all other persons, so that memory stays bounded."""
        self._checks = {person: known for person, known in self._checks.items() if person in persons}

    def _checked_at(self, person: int) -> float:
        known = self._checks.get(person)
        return -math.inf if known is None else known.at
