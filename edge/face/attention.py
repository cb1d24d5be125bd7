"""Selects the person in view to whom the robot attends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from edge.face.boxes import Box

_OFF_CENTRE_PENALTY: Final = 1.0
"""Reduction of a face's log-area in a corner of the frame, relative to the centre."""
_TURNED_PENALTY: Final = 1.0
"""Reduction of the log-area of a face turned by 45°, relative to a frontal one; it grows with the angle squared."""
_MAX_TURNED_PENALTY: Final = 2.0
"""Maximum reduction of the log-area of a turned face: a large face turned away still belongs to someone near."""
_SMOOTHING_S: Final = 0.3
"""Time constant in seconds with which a person's prominence is smoothed."""
_SWITCH_MARGIN: Final = math.log(1.4)
"""Lead in prominence (a log-ratio) that another person needs to take over the attention."""
_DWELL_S: Final = 0.4
"""Seconds for which another person must keep a lead of `_SWITCH_MARGIN` to take over the attention."""
_HOLD_S: Final = 1.0
"""Seconds for which the attention stays with a person who is out of sight."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face in view that may get the attention."""

    person: int
    """Track id of the person."""
    box: Box
    """Box of the face in pixels of the frame."""
    yaw: float | None = None
    """Yaw of the head in degrees, 0 when it faces the camera; None if unknown. Pitch is not used, because it depends
    mostly on the height of the camera."""


def prominence(candidate: Candidate, frame_size: tuple[int, int]) -> float:
    """Returns the prominence of a face: the logarithm of its share of the frame, reduced if off-centre or turned.

    `frame_size` is the width and height of the frame in pixels.
    """
    width, height = frame_size
    x, y = candidate.box.centre
    off = min(1.0, math.hypot(2 * x / width - 1, 2 * y / height - 1) / math.sqrt(2))
    turned = 0.0 if candidate.yaw is None else min(_MAX_TURNED_PENALTY, _TURNED_PENALTY * (candidate.yaw / 45) ** 2)
    return math.log(max(candidate.box.area, 1.0) / (width * height)) - _OFF_CENTRE_PENALTY * off**2 - turned


class Attention:
    """Stays with one person until another has been clearly more prominent for a while.

    The class reads no clock and is not thread-safe.
    """

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._person: int | None = None
        self._seen_at = 0.0
        self._rival: int | None = None
        self._rival_since = 0.0
        self._smooth: dict[int, tuple[float, float]] = {}
        """Person → smoothed prominence and the time of its last update in seconds."""

    @property
    def person(self) -> int | None:
        """Person attended to after the last update; None without one."""
        return self._person

    def update(self, candidates: Sequence[Candidate], now: float, frame_size: tuple[int, int]) -> int | None:
        """Updates the prominence of all persons in view and selects the person to attend to.

        Args:
            candidates: The faces in view.
            now: Time of the frame in seconds. If it goes back, the state is reset first.
            frame_size: Width and height of the frame in pixels.

        Returns:
            The person to attend to, who may have been out of sight for up to `_HOLD_S`; None without one.
        """
        if any(now < at for _, at in self._smooth.values()):
            self._reset()
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
        # On a tie the person with the lower id wins, who was there first.
        best = max(in_view, key=lambda person: (self._smooth[person][0], -person))
        if self._person is None:
            self._person, self._seen_at, self._rival = best, now, None
            return
        # A person out of sight for a moment keeps the attention.
        waiting = self._person not in in_view
        if waiting or best == self._person or self._smooth[best][0] - self._smooth[self._person][0] < _SWITCH_MARGIN:
            self._rival = None
            return
        if self._rival != best:
            self._rival, self._rival_since = best, now
        if now - self._rival_since >= _DWELL_S - 1e-9:
            self._person, self._seen_at, self._rival = best, now, None
