"""Rate-limited reports of refused input, so that a flood of bad input does not flood the log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from edge.sources.rate_limit import TokenBucket

BURST: Final = 10
"""Number of reports that may follow each other immediately."""
PER_SECOND: Final = 1.0
"""Maximum number of reports per second after a burst."""


class Refusals:
    """Counts all refusals and reports up to ten in a row, and then one per second.

    A report that follows unreported refusals states their number. Only counts and a time are kept, nothing of the
    refused input. The class is thread-safe.
    """

    def __init__(self, report: Callable[[str], None], *, burst: int = BURST, per_second: float = PER_SECOND) -> None:
        """Creates a counter.

        Args:
            report: Called with one line per report, without holding a lock.
            burst: Number of reports that may follow each other immediately.
            per_second: Maximum number of reports per second after a burst.
        """
        self._report = report
        self._bucket = TokenBucket(per_second, burst)
        self._lock = threading.Lock()
        self._count = 0
        self._unreported = 0

    @property
    def count(self) -> int:
        """Number of refusals so far, reported or not."""
        return self._count

    def add(self, why: str, now: float) -> None:
        """Counts one refusal and reports it if the rate permits.

        Args:
            why: The reason, in one line that does not repeat the refused text.
            now: The time in monotonic seconds.
        """
        with self._lock:
            self._count += 1
            if not self._bucket.take(now):
                self._unreported += 1
                return
            unreported, self._unreported = self._unreported, 0
        more = f" (and {unreported} more since the last message)" if unreported else ""
        self._report(why + more)
