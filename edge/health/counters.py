"""What happened how often: one set of counters that all threads share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping


class Counters:
    """Named counts that only grow; any thread may write and read.

    Names are `<part>.<event>`, such as `camera.frames`. `edge.publish.health` tells by the last word which are losses,
    reported as totals, and which are the usual course, reported as rates.
    """

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def increment(self, name: str, by: int = 1) -> None:
        """Adds `by`, which is not below 0; 0 makes the name known."""
        if by < 0:
            raise ValueError(f"counter {name} only grows, by {by} it would not")
        with self._lock:
            self._counts[name] += by

    def raise_to(self, name: str, count: int) -> None:
        """Takes over a count that somebody else keeps; one below what is known changes nothing."""
        with self._lock:
            self._counts[name] = max(self._counts[name], count)

    def snapshot(self) -> dict[str, int]:
        """All counts at one moment, by name."""
        with self._lock:
            return dict(sorted(self._counts.items()))


def rates(before: Mapping[str, int], now: Mapping[str, int], seconds: float) -> dict[str, float]:
    """Events a second between two snapshots that lie `seconds` apart; 0 each where no time has passed."""
    if seconds <= 0:
        return dict.fromkeys(now, 0.0)
    return {name: (count - before.get(name, 0)) / seconds for name, count in now.items()}
