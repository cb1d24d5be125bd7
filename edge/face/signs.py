"""Signs read from the landmarks of each person: head pose, eye opening, blinks and mouth opening."""

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
    """Signs of one face in one frame."""

    pose: HeadPose
    """Rotation of the head."""
    eyes_open: float
    """Eye aspect ratio: about 0.3 open, below 0.15 closed."""
    mouth_open: float
    """Gap between the lips over the width of the mouth: 0 closed, about 1 wide open."""
    blinks: int
    """Number of blinks since the person appeared."""
    blinks_per_minute: float | None
    """Blinks per minute over the last minute; None until it can be measured (`BlinkCounter.per_minute`)."""

    def added_to(self, detail: FaceDetail) -> FaceDetail:
        """Returns `detail` with these signs added; angles are in degrees."""
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
class _PersonState:
    """State kept for one person."""

    blinks: BlinkCounter
    """Counter of the person's blinks."""
    pose: HeadPose
    """Head pose in the last frame."""


class SignReader:
    """Reads signs from landmarks and keeps one blink counter per person. Not thread-safe."""

    def __init__(self) -> None:
        self._states: dict[int, _PersonState] = {}

    def read(self, person: int, points: NDArray[np.floating], eyes_open: float, now: float) -> Signs:
        """Reads the signs of one face.

        Args:
            person: Track id of the person.
            points: The landmarks, (68, 2) in pixels of the frame.
            eyes_open: The eye aspect ratio.
            now: Time of the frame in seconds.
        """
        pose = head_pose(points)
        state = self._states.setdefault(person, _PersonState(BlinkCounter(), pose))
        state.pose = pose
        state.blinks.update(eyes_open, now)
        return Signs(pose, eyes_open, mouth_opening(points), state.blinks.count, state.blinks.per_minute)

    def yaw(self, person: int) -> float | None:
        """Returns the yaw of a person's head at the last reading, in degrees; None before the first reading."""
        state = self._states.get(person)
        return None if state is None else state.pose.yaw

    def keep(self, persons: Collection[int]) -> None:
        """Drops the state of all other persons, so that memory stays bounded."""
        self._states = {person: state for person, state in self._states.items() if person in persons}
