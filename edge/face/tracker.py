"""Tracks persons: assigns the faces of each frame to the persons of earlier frames."""

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
"""Maximum time in seconds for which a person out of sight keeps the track id."""
_FIRST_MEMORY_S: Final = 1.0
"""Seconds for which a face seen only once, possibly a false detection, is remembered; each second in sight adds two."""

_FRAME_AREA: Final = 50.0
"""Area of a frame in squared face widths, over which new persons are uniformly distributed."""
_LOG_SIZE_RANGE: Final = 2.3
"""Range of the natural logarithm of the face width, over which new persons are uniformly distributed."""
_STAY_PRIOR: Final = 3.0
"""Prior log-likelihood ratio of a person seen just now to a new person, without position and appearance."""
_STAY_DECAY: Final = 0.7
"""Decrease of `_STAY_PRIOR` per second out of sight."""
_RELOCATION_RATE: Final = 0.15
"""Rate per second at which a person reappears away from the predicted position, or the camera is turned."""

_NEUTRAL_DISTANCE: Final = 0.07
"""Distance of two appearances that is equally likely for one person and for two."""
_APPEARANCE_SLOPE: Final = 100.0
"""Log-likelihood ratio per unit of distance below `_NEUTRAL_DISTANCE`, measured on identities that the evaluation does
not use."""
_MIN_APPEARANCE_RATIO: Final = -4.0
"""Minimum log-likelihood ratio from appearance, however different two appearances are."""
_MAX_APPEARANCE_RATIO: Final = 3.0
"""Maximum log-likelihood ratio from appearance, however similar two appearances are."""
_MIN_UPDATE_SHARE: Final = 0.1
"""Minimum weight of the newest appearance in the running average, 0…1."""
_MAX_OVERLAP: Final = 0.05
"""Intersection over union with another person above which the appearance of a face is not learnt."""


@dataclass(frozen=True, slots=True)
class Track:
    """The face of one person."""

    person: int
    """Track id of the person: counts from 1 and is never reused."""
    face: Detection
    """The last detection of the face."""
    seen_at: float
    """Time of the last detection in seconds."""


class _Person:
    """State of one tracked person."""

    def __init__(self, number: int, face: Detection, now: float) -> None:
        self.number = number
        self.face = face
        self.first_seen_at = self.seen_at = now
        self.motion = Motion(face.box)
        self.appearance: NDArray[np.float32] | None = None
        self._updates = 0

    @property
    def track(self) -> Track:
        return Track(self.number, self.face, self.seen_at)

    def expired(self, now: float) -> bool:
        memory = min(MEMORY_S, _FIRST_MEMORY_S + 2 * (self.seen_at - self.first_seen_at))
        return now - self.seen_at > memory

    def seen(self, face: Detection, now: float) -> None:
        self.motion.found(face.box, now - self.seen_at)
        self.face, self.seen_at = face, now

    def update_appearance(self, appearance: NDArray[np.float32], clear: bool) -> None:
        """Updates the average appearance; one partly occluded by others is used only until there is a clear one."""
        if clear:
            self._updates += 1
            share = max(_MIN_UPDATE_SHARE, 1 / self._updates)
            self.appearance = (
                appearance
                if self.appearance is None
                else self.appearance + np.float32(share) * (appearance - self.appearance)
            )
        elif self.appearance is None:
            self.appearance = appearance


class Tracker:
    """Assigns all faces of a frame to persons at once, by the likelihood ratio of a known person to a new one.

    Position and size are predicted by a Kalman filter, and appearances are compared if given. The assignment is optimal
    over the frame. The score follows Reid, "An algorithm for tracking multiple targets", 1979; prediction and Hungarian
    assignment follow Bewley et al., "Simple online and realtime tracking", ICIP 2016; the use of appearance follows
    Wojke et al., "Simple online and realtime tracking with a deep association metric", ICIP 2017. The class reads no
    clock, does no I/O and is not thread-safe.
    """

    def __init__(self) -> None:
        self._persons: dict[int, _Person] = {}
        self._next = 1
        self._now = -math.inf

    @property
    def live(self) -> tuple[Track, ...]:
        """All persons remembered, whether seen at the last update or out of sight, in the order of their ids."""
        return tuple(person.track for person in self._persons.values())

    def forget(self) -> None:
        """Forgets all persons, so that every face that follows gets a new id."""
        self._persons.clear()

    def update(
        self, faces: Sequence[Detection], now: float, appearances: NDArray[np.float32] | None = None
    ) -> tuple[Track, ...]:
        """Assigns the faces of a frame.

        Args:
            faces: The detected faces.
            now: Time of the frame in seconds. If it goes back (a film that starts again), all persons are forgotten.
            appearances: Descriptors from `edge.face.appearance`, (len(faces), d); None to use only position and size.

        Returns:
            The tracks seen in this frame, in the order of their ids.

        Raises:
            ValueError: The number of appearances differs from the number of faces.
        """
        if appearances is not None and len(appearances) != len(faces):
            raise ValueError(f"{len(appearances)} appearances for {len(faces)} faces")
        if now < self._now:
            self.forget()
        self._now = now
        self._persons = {n: person for n, person in self._persons.items() if not person.expired(now)}
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
                person.update_appearance(appearances[index], not crowded[index])
            seen.append(person)
        return tuple(sorted((person.track for person in seen), key=lambda track: track.person))

    def _scores(
        self, faces: Sequence[Detection], known: Sequence[_Person], now: float, appearances: NDArray[np.float32] | None
    ) -> NDArray[np.float64]:
        """Returns (known, faces): the log-likelihood ratio of a face being a known person to being a new one."""
        scores = np.empty((len(known), len(faces)))
        new = -math.log(_FRAME_AREA * _LOG_SIZE_RANGE)
        for row, person in enumerate(known):
            gap = now - person.seen_at
            # Without appearance only the position is evidence, so relocation is not considered.
            appearance = person.appearance if appearances is not None else None
            anywhere = 0.0 if appearance is None else 1 - math.exp(-_RELOCATION_RATE * gap)
            prior = _STAY_PRIOR - _STAY_DECAY * gap - new
            for column, face in enumerate(faces):
                scores[row, column] = prior + person.motion.log_density(face.box, gap, anywhere, _FRAME_AREA)
            if appearance is not None and appearances is not None:
                distance = np.sqrt(((appearances - appearance) ** 2).sum(1))
                scores[row] += np.clip(
                    _APPEARANCE_SLOPE * (_NEUTRAL_DISTANCE - distance), _MIN_APPEARANCE_RATIO, _MAX_APPEARANCE_RATIO
                )
        return scores

    @staticmethod
    def _crowded(faces: Sequence[Detection], known: Sequence[_Person], now: float) -> list[bool]:
        """Returns for each face whether it is so close to another, seen or hidden, that its patch may show both."""
        hidden = [person.motion.box(now - person.seen_at) for person in known if now - person.seen_at < 1.0]

        def close(box: Box) -> bool:
            others = sum(box.iou(face.box) > _MAX_OVERLAP for face in faces)
            # Each count includes the face itself.
            return others > 1 or sum(box.iou(other) > _MAX_OVERLAP for other in hidden) > 1

        return [close(face.box) for face in faces]
