"""How long each stage takes: written by the senses, read by `bench` and the `health` topic."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager


class Timings:
    """The last `keep` durations of every stage, in milliseconds. One writer a stage; reading is safe any time."""

    def __init__(self, keep: int = 512) -> None:
        self._stages: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=keep))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times the block under it."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._stages[name].append((time.perf_counter() - start) * 1e3)

    def milliseconds(self) -> dict[str, list[float]]:
        """Stage → its last durations, in the order in which stages were first seen."""
        return {name: list(values) for name, values in list(self._stages.items())}
