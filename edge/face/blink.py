"""Counts the blinks of one person from the eye aspect ratio."""

from __future__ import annotations

from collections import deque
from typing import Final

CLOSED: Final = 0.80
"""Fraction of the open eyes' aspect ratio below which the eyes count as closed."""
OPEN: Final = 0.86
"""Fraction of the open eyes' aspect ratio above which closed eyes count as open again (hysteresis)."""
_SHORTEST_S: Final = 0.03
"""Minimum duration of a blink in seconds; a blink lasts 0.1–0.4 s (Schiffman, Sensation and Perception, 2001)."""
_LONGEST_S: Final = 0.6
"""Maximum duration of a blink in seconds; eyes closed for longer are looking down or asleep."""
_RATE_WINDOW_S: Final = 60.0
"""Seconds of watching over which the blink rate is computed."""
_MIN_WATCHED_S: Final = 10.0
"""Seconds of watching before a blink rate is given."""
_SETTLE_S: Final = 0.12
"""Seconds for which the eyes are watched before the first blink can count."""
_BASELINE_WINDOW_S: Final = 1.5
"""Seconds of recent samples from which the open eyes' aspect ratio is estimated."""
_MIN_OPEN_RATIO: Final = 0.17
"""Minimum aspect ratio assumed for open eyes, so that closed eyes do not become the baseline."""
_MAX_GAP_S: Final = 0.5
"""Gap between samples in seconds after which the baseline is reset; the blinks counted so far are kept."""
_MIN_FPS: Final = 9.0
"""Minimum frame rate for a blink rate. Of blinks of 0.1–0.4 s, 95 % are counted at this rate, 85 % at 6 and all at 15
frames per second."""


class BlinkCounter:
    """Counts blinks with a hysteresis relative to the person's own open eyes.

    The class reads no clock: each sample comes with its time.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[float, float]] = deque()
        self._closed_at: float | None = None
        self._opened = False
        self._too_slow = False
        self._watched_s = 0.0
        self._blinks: deque[float] = deque()
        self.count = 0
        """Blinks since the first sample."""

    def update(self, ratio: float, now: float) -> bool:
        """Takes the eye aspect ratio at `now` (seconds) and returns whether a blink has just ended."""
        step = now - self._recent[-1][0] if self._recent else 0.0
        if not 0.0 <= step <= _MAX_GAP_S:
            self._recent.clear()
            self._closed_at, self._opened = None, False
        self._recent.append((now, ratio))
        while now - self._recent[0][0] > _BASELINE_WINDOW_S:
            self._recent.popleft()
        span = now - self._recent[0][0]
        if span < _SETTLE_S:
            return False
        self._too_slow = len(self._recent) - 1 < _MIN_FPS * span
        # Time counts towards the rate only while blinks can be counted.
        watching = self._opened and not self._too_slow
        if watching:
            self._watched_s += step
            while self._blinks and self._watched_s - self._blinks[0] > _RATE_WINDOW_S:
                self._blinks.popleft()
        # The upper quartile of the recent samples represents open eyes; a blink is too short to change it.
        values = sorted(value for _, value in self._recent)
        relative = ratio / max(values[(len(values) * 3) // 4], _MIN_OPEN_RATIO)
        if self._closed_at is None:
            if relative < CLOSED and self._opened:
                self._closed_at = now
            self._opened = self._opened or ratio >= _MIN_OPEN_RATIO
            return False
        if relative < OPEN:
            return False
        duration, self._closed_at = now - self._closed_at, None
        if not _SHORTEST_S <= duration <= _LONGEST_S:
            return False
        if watching:
            self._blinks.append(self._watched_s)
        self.count += 1
        return True

    @property
    def per_minute(self) -> float | None:
        """Blink rate over the last minute of watching, interruptions left out.

        None before 10 seconds of watching, and while the frame rate is too low to catch nearly every blink. A person is
        being watched once open eyes were seen after the last absence.
        """
        if self._too_slow or self._watched_s < _MIN_WATCHED_S:
            return None
        return len(self._blinks) * 60.0 / min(_RATE_WINDOW_S, self._watched_s)
