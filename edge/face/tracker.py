"""Which face is whose from frame to frame, and which one the robot attends to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from edge.face.boxes import Detection

_MIN_IOU: Final = 0.2
_KEEP_S: Final = 1.0
"""How long an unseen face keeps its id."""
_SWITCH: Final = 1.4
"""How many times larger another face must be to take the attention."""


@dataclass(frozen=True, slots=True)
class Track:
    """One person's face."""

    person: int
    """From 1, never used twice."""
    face: Detection
    seen_at: float
    """Seconds."""


class Tracker:
    """Matches detections to tracks by overlap, best pair first."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._next = 1
        self._attended: int | None = None

    def update(self, faces: Sequence[Detection], now: float) -> tuple[Track, ...]:
        """The tracks seen at `now` (seconds), in the order of their ids."""
        self._tracks = {p: track for p, track in self._tracks.items() if now - track.seen_at <= _KEEP_S}
        pairs = sorted(
            (
                (track.face.box.iou(face.box), person, index)
                for person, track in self._tracks.items()
                for index, face in enumerate(faces)
            ),
            reverse=True,
        )
        persons: set[int] = set()
        taken: set[int] = set()
        for overlap, person, index in pairs:
            if overlap < _MIN_IOU:
                break
            if person not in persons and index not in taken:
                persons.add(person)
                taken.add(index)
                self._tracks[person] = replace(self._tracks[person], face=faces[index], seen_at=now)
        for index, face in enumerate(faces):
            if index not in taken:
                self._tracks[self._next] = Track(self._next, face, now)
                persons.add(self._next)
                self._next += 1
        seen = tuple(self._tracks[person] for person in sorted(persons))
        self._attend(seen)
        return seen

    def _attend(self, seen: tuple[Track, ...]) -> None:
        if self._attended not in self._tracks:
            self._attended = None
        if not seen:
            return
        largest = max(seen, key=lambda track: (track.face.box.area, -track.person))
        current = self._tracks.get(self._attended) if self._attended is not None else None
        if current is None or largest.face.box.area > _SWITCH * current.face.box.area:
            self._attended = largest.person

    @property
    def attended(self) -> int | None:
        """The person to attend to: the largest face, kept until another is clearly larger or it has gone."""
        return self._attended
