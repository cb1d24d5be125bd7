"""What the landmarks of each person show: head pose, eyes, blinks, mouth."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.detail import FaceDetail
from edge.face.blink import BlinkCounter
from edge.face.pose import HeadPose, head_pose
from edge.face.shape import mouth_opening


@dataclass(frozen=True, slots=True)
class Signs:
    """What the landmarks of one face in one frame show."""

    pose: HeadPose
    eyes_open: float
    """Eye aspect ratio: about 0.3 open, below 0.15 shut."""
    mouth_open: float
    """Gap between the lips over the mouth's width: 0 shut, about 1 wide open."""
    blinks: int
    """Blinks counted since the person came."""
    blinks_per_minute: float | None
    """Blink rate over the last minute; None until enough was seen (`BlinkCounter.per_minute`)."""

    def added_to(self, detail: FaceDetail) -> FaceDetail:
        """`detail` with these signs set; angles in degrees."""
        return msgspec.structs.replace(
            detail,
            yaw=round(self.pose.yaw, 1),
            pitch=round(self.pose.pitch, 1),
            roll=round(self.pose.roll, 1),
            eyes_open=round(self.eyes_open, 3),
            mouth_open=round(self.mouth_open, 3),
            blinks=self.blinks,
            blinks_per_minute=None if self.blinks_per_minute is None else round(self.blinks_per_minute, 1),
        )


@dataclass(slots=True)
class _Known:
    """What is remembered of a person."""

    blinks: BlinkCounter
    pose: HeadPose


class SignReader:
    """Keeps one blink counter a person."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}

    def read(self, person: int, points: NDArray[np.floating], eyes_open: float, now: float) -> Signs:
        """`points` (68, 2) in pixels of the frame at `now`, seconds; `eyes_open`: the eye aspect ratio."""
        pose = head_pose(points)
        known = self._known.setdefault(person, _Known(BlinkCounter(), pose))
        known.pose = pose
        known.blinks.update(eyes_open, now)
        return Signs(pose, eyes_open, mouth_opening(points), known.blinks.count, known.blinks.per_minute)

    def yaw(self, person: int) -> float | None:
        """Yaw in degrees of the person's face when it was last read; None before the first time."""
        known = self._known.get(person)
        return None if known is None else known.pose.yaw

    def keep(self, persons: Collection[int]) -> None:
        """Forgets everybody else, so that memory stays bounded."""
        self._known = {person: known for person, known in self._known.items() if person in persons}
