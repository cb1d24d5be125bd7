"""Thread-safe hand-over: a mailbox that keeps the newest item, and a bounded queue that counts dropped items."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """A single slot. A slow reader gets the newest item; replaced items are counted."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._item: T | None = None
        self._skipped = 0

    def put(self, item: T) -> None:
        """Stores an item in place of one that is still waiting; never blocks."""
        with self._condition:
            self._skipped += self._item is not None
            self._item = item
            self._condition.notify()

    def take(self, timeout: float) -> T | None:
        """Takes the newest item; None if none arrives within `timeout` seconds."""
        with self._condition:
            if self._item is None:
                self._condition.wait(timeout)
            item, self._item = self._item, None
            return item

    @property
    def waiting(self) -> int:
        """Number of waiting items, 0 or 1."""
        return int(self._item is not None)

    @property
    def skipped(self) -> int:
        """Number of items that were replaced before they were taken."""
        return self._skipped


class BoundedQueue(Generic[T]):
    """First in, first out. When `limit` items are waiting, a new one displaces the oldest, which is counted."""

    def __init__(self, limit: int, after_loss: Callable[[T, int], T] = lambda item, _: item) -> None:
        """`after_loss`: marks an item with the number of items that were dropped directly before it."""
        self._condition = threading.Condition()
        self._items: deque[T] = deque()
        self._limit = limit
        self._after_loss = after_loss
        self._dropped = 0
        self._dropped_since_take = 0

    def put(self, item: T) -> None:
        """Appends an item; never blocks."""
        with self._condition:
            if len(self._items) >= self._limit:
                self._items.popleft()
                self._dropped += 1
                self._dropped_since_take += 1
            self._items.append(item)
            self._condition.notify()

    def take(self, timeout: float) -> T | None:
        """Takes the oldest item; None if none arrives within `timeout` seconds."""
        with self._condition:
            if not self._items:
                self._condition.wait(timeout)
            if not self._items:
                return None
            item, lost, self._dropped_since_take = self._items.popleft(), self._dropped_since_take, 0
            return self._after_loss(item, lost) if lost else item

    def drain(self) -> list[T]:
        """Takes all waiting items, oldest first."""
        with self._condition:
            items = list(self._items)
            self._items.clear()
            return items

    @property
    def waiting(self) -> int:
        """Number of waiting items."""
        return len(self._items)

    @property
    def dropped(self) -> int:
        """Number of items that were dropped because they were not taken in time."""
        return self._dropped
