"""What the landmarks of each person show: head pose, eyes, blinks, mouth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.face.blink import BlinkCounter
from edge.face.pose import HeadPose, head_pose
from edge.face.shape import mouth_opening
from edge.observation import Detail

_FORGET_S: Final = 60.0
"""How long the blinks of a person out of sight are kept."""


@dataclass(frozen=True, slots=True)
class Signs:
    """Of one face in one frame."""

    pose: HeadPose
    eyes_open: float
    """Eye aspect ratio: about 0.3 open, below 0.15 shut."""
    mouth_open: float
    """Gap between the lips over the mouth's width: 0 shut, about 1 wide open."""
    blinks: int
    """Since the person came."""
    blinks_per_minute: float | None
    """Over the last minute; None until the person has been watched for 10 seconds."""

    @property
    def detail(self) -> dict[str, Detail]:
        """As an observation carries them; angles in degrees."""
        return {
            "yaw": round(self.pose.yaw, 1),
            "pitch": round(self.pose.pitch, 1),
            "roll": round(self.pose.roll, 1),
            "eyes_open": round(self.eyes_open, 3),
            "mouth_open": round(self.mouth_open, 3),
            "blinks": self.blinks,
            "blinks_per_minute": None if self.blinks_per_minute is None else round(self.blinks_per_minute, 1),
        }


class SignReader:
    """Keeps one blink counter a person."""

    def __init__(self) -> None:
        self._counters: dict[int, tuple[BlinkCounter, float]] = {}

    def read(self, person: int, points: NDArray[np.floating], eyes_open: float, now: float) -> Signs:
        """`points` (68, 2) in pixels of the frame at `now`, seconds; `eyes_open`: the eye aspect ratio."""
        counter, _ = self._counters.get(person, (BlinkCounter(), now))
        self._counters[person] = (counter, now)
        counter.update(eyes_open, now)
        return Signs(head_pose(points), eyes_open, mouth_opening(points), counter.count, counter.per_minute)

    def forget(self, now: float) -> None:
        """Drops who has been out of sight for a minute, so that memory stays bounded."""
        self._counters = {
            person: (counter, seen) for person, (counter, seen) in self._counters.items() if now - seen <= _FORGET_S
        }
