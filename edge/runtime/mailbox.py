"""What threads hand each other: a slot that keeps the newest, and a queue that counts what it had to drop."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """One slot. A slow reader gets the newest item; the ones it missed are counted."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._skipped = 0

    def put(self, item: T) -> None:
        with self._condition:
            self._skipped += self._item is not None
            self._item = item
            self._condition.notify()

    def take(self, timeout: float) -> T | None:
        """The newest item; None where none came within `timeout` seconds."""
        with self._condition:
            if self._item is None:
                self._condition.wait(timeout)
            item, self._item = self._item, None
            return item

    @property
    def waiting(self) -> int:
        """Items that nobody has taken yet, 0 or 1."""
        return int(self._item is not None)

    @property
    def skipped(self) -> int:
        """Items that were replaced before anyone took them."""
        return self._skipped


class BoundedQueue(Generic[T]):
    """First in, first out; when `limit` items wait, the oldest goes and is counted, never silently."""

    def __init__(self, limit: int, after_loss: Callable[[T, int], T] = lambda item, _: item) -> None:
        """`after_loss`: what an item becomes before which so many were dropped, so that it can say so."""
        self._condition = threading.Condition()
        self._items: deque[T] = deque()
        self._limit = limit
        self._after_loss = after_loss
        self._dropped = 0
        self._untold = 0

    def put(self, item: T) -> None:
        with self._condition:
            if len(self._items) >= self._limit:
                self._items.popleft()
                self._dropped += 1
                self._untold += 1
            self._items.append(item)
            self._condition.notify()

    def take(self, timeout: float) -> T | None:
        """The oldest item; None where none came within `timeout` seconds."""
        with self._condition:
            if not self._items:
                self._condition.wait(timeout)
            if not self._items:
                return None
            item, lost, self._untold = self._items.popleft(), self._untold, 0
            return self._after_loss(item, lost) if lost else item

    def drain(self) -> list[T]:
        """All that waits, oldest first."""
        with self._condition:
            items = list(self._items)
            self._items.clear()
            return items

    @property
    def waiting(self) -> int:
        """Items that nobody has taken yet."""
        return len(self._items)

    @property
    def dropped(self) -> int:
        """Items that were thrown away because nobody took them in time."""
        return self._dropped
