"""Blinks of one person, from the aspect ratio of the eyes."""

from __future__ import annotations

from collections import deque
from typing import Final

CLOSED: Final = 0.80
"""Share of the open eyes' aspect ratio below which they count as shut."""
OPEN: Final = 0.86
"""Share above which they count as open again: what lies between changes nothing."""
_SHORTEST_S: Final = 0.03
_LONGEST_S: Final = 0.6
"""A blink lasts 0.1–0.4 s (Schiffman, Sensation and Perception, 2001); longer is looking down, or sleep."""
_WINDOW_S: Final = 60.0
_ENOUGH_S: Final = 10.0
_SETTLE_S: Final = 0.12
"""How long eyes are watched before the first blink can count."""
_BASELINE_S: Final = 1.5
_NARROW: Final = 0.17
"""Open eyes are taken to have at least this ratio: shut ones must not become the baseline."""
_GAP_S: Final = 0.5
"""A person unseen for longer starts afresh, but for what was counted."""
_SLOWEST_FPS: Final = 9.0
"""Of blinks of 0.1–0.4 s 95 % are counted at so many frames a second, 85 % at 6, all at 15."""


class BlinkCounter:
    """Counts with hysteresis around the person's own open eyes. Pure: time comes with each sample."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque()
        self._closed_at: float | None = None
        self._opened = False
        self._slow = False
        self._watched_s = 0.0
        self._blinks: deque[float] = deque()
        self.count = 0
        """Blinks since the first sample."""

    def update(self, ratio: float, now: float) -> bool:
        """`ratio`: the eye aspect ratio at `now`, seconds. True when a blink has just ended."""
        step = now - self._recent[-1][0] if self._recent else 0.0
        if not 0.0 <= step <= _GAP_S:
            self._recent.clear()
            self._closed_at, self._opened = None, False
        self._recent.append((now, ratio))
        while now - self._recent[0][0] > _BASELINE_S:
            self._recent.popleft()
        span = now - self._recent[0][0]
        if span < _SETTLE_S:
            return False
        self._slow = len(self._recent) - 1 < _SLOWEST_FPS * span
        # Time counts for the rate only while a blink would.
        watching = self._opened and not self._slow
        if watching:
            self._watched_s += step
            while self._blinks and self._watched_s - self._blinks[0] > _WINDOW_S:
                self._blinks.popleft()
        # Open eyes are the upper part of the last seconds: a blink is too short to move it.
        values = sorted(value for _, value in self._recent)
        share = ratio / max(values[(len(values) * 3) // 4], _NARROW)
        if self._closed_at is None:
            if share < CLOSED and self._opened:
                self._closed_at = now
            self._opened = self._opened or ratio >= _NARROW
            return False
        if share < OPEN:
            return False
        lasted, self._closed_at = now - self._closed_at, None
        if not _SHORTEST_S <= lasted <= _LONGEST_S:
            return False
        if watching:
            self._blinks.append(self._watched_s)
        self.count += 1
        return True

    @property
    def per_minute(self) -> float | None:
        """Over the last minute of watching, whatever lay between; None before 10 seconds of it, and while frames come
        too slowly to catch nearly every blink.

        Watched is who was seen with open eyes since the last absence.
        """
        if self._slow or self._watched_s < _ENOUGH_S:
            return None
        return len(self._blinks) * 60.0 / min(_WINDOW_S, self._watched_s)
