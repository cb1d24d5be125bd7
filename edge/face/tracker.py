"""Which face is whose from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.assignment import assign
from edge.face.boxes import Box, Detection
from edge.face.motion import Motion

MEMORY_S: Final = 5.0
"""Seconds for which a person out of sight keeps the id."""
_FIRST_MEMORY_S: Final = 1.0
"""Seconds for which a face seen once, perhaps falsely, is remembered; each second in sight adds two."""

_AREA: Final = 50.0
"""Area of a frame in squared widths of a face: a new person may appear anywhere in it."""
_SIZES: Final = 2.3
"""Range of the size of faces in natural logarithms: a new person may have any size in it."""
_STAYS: Final = 3.0
"""Log-likelihood ratio, place and looks apart, of a face being the person seen just now over a new person."""
_FADES: Final = 0.7
"""How much the ratio `_STAYS` falls with each second out of sight."""
_ELSEWHERE: Final = 0.15
"""Rate per second at which a person comes back elsewhere than motion predicts, or the camera was turned."""

_ALIKE: Final = 0.07
"""Distance of two appearances that speaks neither for the same person nor for two."""
_TELLING: Final = 100.0
"""Log-likelihood ratio per unit of distance below `_ALIKE`; measured on identities that the evaluation does not use."""
_AGAINST: Final = -4.0
"""Lowest log-likelihood ratio that appearances give, however different they are."""
_FOR: Final = 3.0
"""Highest log-likelihood ratio that appearances give, however alike they are."""
_FRESH: Final = 0.1
"""Least share of the newest appearance in the one remembered."""
_CROWDED: Final = 0.05
"""Overlap (intersection over union) with another person from which a face's appearance is not learnt."""


@dataclass(frozen=True, slots=True)
class Track:
    """One person's face."""

    person: int
    """From 1, never used twice."""
    face: Detection
    """As last seen."""
    seen_at: float
    """Seconds."""


class _Person:
    """What is remembered of somebody."""

    def __init__(self, number: int, face: Detection, now: float) -> None:
        self.number = number
        self.face = face
        self.since = self.seen_at = now
        self.motion = Motion(face.box)
        self.looks: NDArray[np.float32] | None = None
        self._learnt = 0

    @property
    def track(self) -> Track:
        return Track(self.number, self.face, self.seen_at)

    def forgotten(self, now: float) -> bool:
        memory = min(MEMORY_S, _FIRST_MEMORY_S + 2 * (self.seen_at - self.since))
        return now - self.seen_at > memory

    def seen(self, face: Detection, now: float) -> None:
        self.motion.found(face.box, now - self.seen_at)
        self.face, self.seen_at = face, now

    def learn(self, looks: NDArray[np.float32], clear: bool) -> None:
        """Takes in how the person looks; what others partly hide counts only until there is better."""
        if clear:
            self._learnt += 1
            share = max(_FRESH, 1 / self._learnt)
            self.looks = looks if self.looks is None else self.looks + np.float32(share) * (looks - self.looks)
        elif self.looks is None:
            self.looks = looks


class Tracker:
    """Assigns faces to persons by the likelihood ratio of "the same" to "somebody new", all at once.

    Place and size are predicted (Kalman), how a person looks is compared where it is given; the assignment is optimal
    over the frame. After Reid, "An algorithm for tracking multiple targets", 1979 (the score), Bewley et al., "Simple
    online and realtime tracking", ICIP 2016 (prediction and Hungarian assignment), and Wojke et al., "Simple online
    and realtime tracking with a deep association metric", ICIP 2017 (appearance). No clock, no I/O; not thread-safe.
    """

    def __init__(self) -> None:
        self._persons: dict[int, _Person] = {}
        self._next = 1
        self._now = -math.inf

    @property
    def live(self) -> tuple[Track, ...]:
        """All persons remembered, seen at the last update or merely hidden, in the order of their ids."""
        return tuple(person.track for person in self._persons.values())

    def forget(self) -> None:
        """From now on everybody is new."""
        self._persons.clear()

    def update(
        self, faces: Sequence[Detection], now: float, appearances: NDArray[np.float32] | None = None
    ) -> tuple[Track, ...]:
        """The tracks seen at `now` (seconds), in the order of their ids.

        `appearances` (len(faces), d): as `edge.face.appearance` makes them; without them place and size alone decide.
        Where time goes back (a film that begins again) everybody is new. Raises `ValueError` on other lengths.
        """
        if appearances is not None and len(appearances) != len(faces):
            raise ValueError(f"{len(appearances)} appearances for {len(faces)} faces")
        if now < self._now:
            self.forget()
        self._now = now
        self._persons = {n: person for n, person in self._persons.items() if not person.forgotten(now)}
        known = list(self._persons.values())
        crowded = self._crowded(faces, known, now)
        scores = self._scores(faces, known, now, appearances)
        owners: dict[int, _Person] = {column: known[row] for row, column in assign(scores)}
        seen: list[_Person] = []
        for index, face in enumerate(faces):
            person = owners.get(index)
            if person is None:
                person = self._persons[self._next] = _Person(self._next, face, now)
                self._next += 1
            else:
                person.seen(face, now)
            if appearances is not None:
                person.learn(appearances[index], not crowded[index])
            seen.append(person)
        return tuple(sorted((person.track for person in seen), key=lambda track: track.person))

    def _scores(
        self, faces: Sequence[Detection], known: Sequence[_Person], now: float, appearances: NDArray[np.float32] | None
    ) -> NDArray[np.float64]:
        """(known, faces): logarithm of how much likelier a face is this person's than somebody new's."""
        scores = np.empty((len(known), len(faces)))
        new = -math.log(_AREA * _SIZES)
        for row, person in enumerate(known):
            gap = now - person.seen_at
            # Without looks nothing but the place speaks for somebody who might be anywhere.
            looks = person.looks if appearances is not None else None
            anywhere = 0.0 if looks is None else 1 - math.exp(-_ELSEWHERE * gap)
            prior = _STAYS - _FADES * gap - new
            for column, face in enumerate(faces):
                scores[row, column] = prior + person.motion.log_density(face.box, gap, anywhere, _AREA)
            if looks is not None and appearances is not None:
                away = np.sqrt(((appearances - looks) ** 2).sum(1))
                scores[row] += np.clip(_TELLING * (_ALIKE - away), _AGAINST, _FOR)
        return scores

    @staticmethod
    def _crowded(faces: Sequence[Detection], known: Sequence[_Person], now: float) -> list[bool]:
        """Which faces stand so close to another, seen or hidden, that their patch may show somebody else."""
        hidden = [person.motion.box(now - person.seen_at) for person in known if now - person.seen_at < 1.0]

        def close(box: Box) -> bool:
            others = sum(box.iou(face.box) > _CROWDED for face in faces)
            # One of each is the face itself.
            return others > 1 or sum(box.iou(other) > _CROWDED for other in hidden) > 1

        return [close(face.box) for face in faces]
