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
_SETTLE_S: Final = 0.12
"""How long eyes are watched before the first blink can count."""
_BASELINE_S: Final = 1.5
_NARROW: Final = 0.17
"""Open eyes are taken to have at least this ratio: shut ones must not become the baseline."""
_GAP_S: Final = 0.5
"""A person unseen for longer starts afresh, but for what was counted."""


class BlinkCounter:
    """Counts with hysteresis around the person's own open eyes. Pure: time comes with each sample."""

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque()
        self._closed_at: float | None = None
        self._opened = False
        self._blinks: deque[float] = deque()
        self._seen_s = 0.0
        self._last: float | None = None
        self.count = 0
        """Blinks since the first sample."""

    def update(self, ratio: float, now: float) -> bool:
        """`ratio`: the eye aspect ratio at `now`, seconds. True when a blink has just ended."""
        if self._last is not None and not 0.0 <= now - self._last <= _GAP_S:
            self._recent.clear()
            self._closed_at, self._opened = None, False
        elif self._last is not None:
            self._seen_s += now - self._last
        self._last = now
        self._recent.append((now, ratio))
        while now - self._recent[0][0] > _BASELINE_S:
            self._recent.popleft()
        while self._blinks and now - self._blinks[0] > _WINDOW_S:
            self._blinks.popleft()
        if now - self._recent[0][0] < _SETTLE_S:
            return False
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
        self._blinks.append(now)
        self.count += 1
        return True

    @property
    def per_minute(self) -> float | None:
        """Over the last minute that the person was seen; None before 10 seconds have been."""
        if self._seen_s < 10.0:
            return None
        return len(self._blinks) * 60.0 / min(_WINDOW_S, self._seen_s)
