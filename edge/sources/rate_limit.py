"""A token bucket: lets a short burst pass, and a steady rate after it."""

from __future__ import annotations

import math
import threading


class TokenBucket:
    """Starts with `burst` tokens and gains `per_second` tokens a second, up to `burst` again.

    Safe from any thread. Times are monotonic seconds; a time before the last one adds nothing.
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """`per_second`: above 0; `burst`: at least 1. Raises `ValueError` otherwise."""
        if not (0 < per_second < math.inf and burst >= 1):
            raise ValueError(f"a token bucket needs a positive rate and burst, not {per_second} and {burst}")
        self._per_second = per_second
        self._burst = float(burst)
        self._tokens = float(burst)
        self._refilled_at = math.inf
        self._lock = threading.Lock()

    def take(self, now: float) -> bool:
        """Takes one token; False where none is left."""
        with self._lock:
            self._refill(now)
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def wait(self, now: float) -> float:
        """Seconds from `now` until a token is there; 0 where one already is."""
        with self._lock:
            self._refill(now)
            return max(0.0, 1.0 - self._tokens) / self._per_second

    def _refill(self, now: float) -> None:
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._refilled_at) * self._per_second)
        self._refilled_at = now
