"""A token bucket, which permits a short burst and then a steady rate."""

from __future__ import annotations

import math
import threading


class TokenBucket:
    """Starts with `burst` tokens and gains `per_second` tokens per second, up to `burst`.

    It is thread-safe. Times are monotonic seconds; a time before the previous one adds no tokens.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """Creates a full bucket; `per_second` must be above 0 and `burst` at least 1, else `ValueError` is raised."""
        if not (0 < per_second < math.inf and burst >= 1):
            raise ValueError(f"a token bucket needs a positive rate and burst, not {per_second} and {burst}")
        self._per_second = per_second
        self._burst = float(burst)
        self._tokens = float(burst)
        self._refilled_at = math.inf
        self._lock = threading.Lock()

    def take(self, now: float) -> bool:
        """Takes one token at `now` and returns True; returns False if none is left."""
        with self._lock:
            self._refill(now)
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def wait(self, now: float) -> float:
        """Returns the seconds from `now` until a token is available; 0 if one already is."""
        with self._lock:
            self._refill(now)
            return max(0.0, 1.0 - self._tokens) / self._per_second

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._refilled_at) * self._per_second)
        self._refilled_at = now
