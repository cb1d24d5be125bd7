"""Items of several streams in one order of time, with as little kept back as possible."""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Interleaver(Generic[T]):
    """Sorts by time what comes in order within each stream, but late in one stream against another.

    An item is ready once every stream has come as far, or once one stream is ahead of it by `window` seconds: a
    stream that has paused for so long is waited for no more.
    """

    def __init__(self, streams: Iterable[Hashable], window: float) -> None:
        self._reached = dict.fromkeys(streams, -math.inf)
        self._window = window
        self._waiting: list[tuple[float, int, T]] = []
        self._count = 0
        self._ended = False

    def push(self, stream: Hashable, at: float, item: T) -> None:
        """`at`: seconds, by which items are sorted; items of the same time keep the order they came in."""
        self._reached[stream] = max(self._reached[stream], at)
        heapq.heappush(self._waiting, (at, self._count, item))
        self._count += 1

    def end(self) -> None:
        """Nothing more will come: what waits is ready."""
        self._ended = True

    def ready(self) -> Iterator[T]:
        """The items that can be handed out, in the order of their times."""
        if self._ended:
            limit = math.inf
        else:
            limit = max(min(self._reached.values()), max(self._reached.values()) - self._window)
        while self._waiting and self._waiting[0][0] <= limit:
            yield heapq.heappop(self._waiting)[2]
