"""Decides over how many frames a search may be spread so that a new face is found in time at any frame rate."""

from __future__ import annotations

from typing import Final

NEW_FACE_S: Final = 0.3
"""Seconds within which a new face must be found."""
_TOLERANCE_S: Final = 1e-3
"""Seconds by which a frame may be late without counting as late."""
_HISTORY_S: Final = 1.0
"""Seconds of past frames that are considered, because a delay that occurred once may occur again."""


class Pace:
    """Tracks the frame times of one stream. It reads no clock and is not thread-safe."""

    def __init__(self) -> None:
        self._looks: list[float] = []

    def rounds(self, now: float) -> int:
        """Returns over how many frames, including this one at `now` (seconds), the search may be spread; at least 1.

        The result is the smallest number of frames that followed any frame of the last second within `NEW_FACE_S`. It
        is 1 while that is unknown: at the beginning, after a pause, and when time goes back.
        """
        self._looks = [at for at in self._looks if 0 < now - at <= _HISTORY_S]
        gap = now - self._looks[-1] if self._looks else 0.0
        self._looks.append(now)
        limit = NEW_FACE_S + _TOLERANCE_S
        # Only frames whose interval is complete: the next expected frame is too late to count for them.
        complete = [at for at in self._looks if now + gap - at > limit]
        return max(1, min((sum(0 < later - at <= limit for later in self._looks) for at in complete), default=1))
