"""Reports of refused input, limited in rate: a flood of bad input must not become a flood of messages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from edge.sources.rate_limit import TokenBucket

BURST: Final = 10
"""Reports that may follow each other at once."""
PER_SECOND: Final = 1.0
"""Reports a second after such a burst."""


class Refusals:
    """Counts every refusal, and reports ten in a row and one a second after them.

    A report that follows unreported refusals gives their number. Safe from any thread. Only counts and a time are
    kept, nothing of what was refused.
    """

    def __init__(self, report: Callable[[str], None], *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        """`report` gets one line; it is called without any lock held."""
        self._report = report
        self._bucket = TokenBucket(per_second, burst)
        self._lock = threading.Lock()
        self._count = 0
        self._unreported = 0

    @property
    def count(self) -> int:
        """Refusals so far, reported or not."""
        return self._count

    def add(self, why: str, now: float) -> None:
        """Counts one refusal.

        Args:
            why: One line that does not repeat the refused text.
            now: Monotonic seconds.
        """
        with self._lock:
            self._count += 1
            if not self._bucket.take(now):
                self._unreported += 1
                return
            unreported, self._unreported = self._unreported, 0
        more = f" (and {unreported} more since the last message)" if unreported else ""
        self._report(why + more)
