"""Which of the persons in view the robot attends to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge.face.boxes import Box

_OFF_CENTRE: Final = 1.0
"""Logarithm of the area that a face in a corner of the frame counts smaller than one in its middle."""
_TURNED: Final = 1.0
"""Logarithm of the area that a face turned by 45° counts smaller than a frontal one; grows with the angle's square."""
_MOST_TURNED: Final = 2.0
"""The most that a turned face counts smaller: a large face turned away still belongs to somebody near."""
_SMOOTHING_S: Final = 0.3
"""Time constant of a person's prominence."""
_MARGIN: Final = math.log(1.4)
"""How much more prominent, as a logarithm, another person must be to take the attention."""
_DWELL_S: Final = 0.4
"""Seconds for which another person must be that much more prominent to take the attention."""
_HOLD_S: Final = 1.0
"""Seconds for which the attention waits for a person who is out of sight."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face in view."""

    person: int
    box: Box
    yaw: float | None = None
    """Degrees, 0 when it looks into the camera; None where it is not known. Pitch does not count: it tells how high the
    camera stands before it tells anything of the person."""


def prominence(candidate: Candidate, frame_size: tuple[int, int]) -> float:
    """How much a face calls for attention: logarithm of its share of the frame, less for off-centre and turned.

    `frame_size`: width and height in pixels.
    """
    width, height = frame_size
    x, y = candidate.box.centre
    off = min(1.0, math.hypot(2 * x / width - 1, 2 * y / height - 1) / math.sqrt(2))
    turned = 0.0 if candidate.yaw is None else min(_MOST_TURNED, _TURNED * (candidate.yaw / 45) ** 2)
    return math.log(max(candidate.box.area, 1.0) / (width * height)) - _OFF_CENTRE * off**2 - turned


class Attention:
    """Keeps to one person until another is clearly more prominent for a while. No clock, not thread-safe."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._person: int | None = None
        self._seen_at = 0.0
        self._rival: int | None = None
        self._rival_since = 0.0
        self._smooth: dict[int, tuple[float, float]] = {}
        """Prominence of each person lately in view, and when."""

    @property
    def person(self) -> int | None:
        """Whom the robot attended to at the last update."""
        return self._person

    def update(self, candidates: Sequence[Candidate], now: float, frame_size: tuple[int, int]) -> int | None:
        """The person to attend to at `now` (seconds), None where nobody is or was just now.

        `frame_size`: width and height in pixels. Where time goes back everything begins anew.
        """
        if any(now < at for _, at in self._smooth.values()):
            self._begin()
        for candidate in candidates:
            value = prominence(candidate, frame_size)
            before, at = self._smooth.get(candidate.person, (value, now))
            self._smooth[candidate.person] = (value + (before - value) * math.exp(-(now - at) / _SMOOTHING_S), now)
        self._smooth = {person: known for person, known in self._smooth.items() if now - known[1] <= _HOLD_S}
        in_view = {candidate.person for candidate in candidates}
        if self._person in in_view:
            self._seen_at = now
        elif self._person is not None and now - self._seen_at > _HOLD_S:
            self._person = None
        if in_view:
            self._choose(in_view, now)
        return self._person

    def _choose(self, in_view: set[int], now: float) -> None:
        # Of two alike, whoever was there first.
        best = max(in_view, key=lambda person: (self._smooth[person][0], -person))
        if self._person is None:
            self._person, self._seen_at, self._rival = best, now, None
            return
        # Whoever is out of sight for a moment is waited for.
        waiting = self._person not in in_view
        if waiting or best == self._person or self._smooth[best][0] - self._smooth[self._person][0] < _MARGIN:
            self._rival = None
            return
        if self._rival != best:
            self._rival, self._rival_since = best, now
        if now - self._rival_since >= _DWELL_S - 1e-9:
            self._person, self._seen_at, self._rival = best, now, None
