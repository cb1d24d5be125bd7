"""What was refused, told now and then: a flood of bad input must not become a flood of messages."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

BURST: Final = 10
"""Messages in a row; a second later there is one more."""


class Refusals:
    """Counts every refusal, and tells of ten in a row and of one a second after them (a token bucket), with the number
    of those left untold before it.

    Not thread-safe. Keeps counts and a time, nothing of what was refused.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        """`tell` gets one line."""
        self.count = 0
        self._tell = tell
        self._tokens = float(BURST)
        self._refilled_at = math.inf
        self._untold = 0

    def add(self, why: str, now: float) -> None:
        """`why`: one line without the text of what is refused; `now`: monotonic seconds."""
        self.count += 1
        self._tokens = min(float(BURST), self._tokens + max(0.0, now - self._refilled_at))
        self._refilled_at = now
        if self._tokens < 1:
            self._untold += 1
            return
        more = f" (and {self._untold} more since the last message)" if self._untold else ""
        self._tokens -= 1
        self._untold = 0
        self._tell(why + more)
