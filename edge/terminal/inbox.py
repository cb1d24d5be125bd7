"""A queue of messages to display, bounded in number and size."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

MAX_BYTES: Final = 100_000
"""Largest payload in bytes; a larger one is dropped. A state has about 2 kB."""

MAX_WAITING: Final = 500
"""Largest number of waiting messages. A further one evicts the oldest, since a view must show the present."""


class Inbox:
    """Passes messages from the network thread to the thread that displays them. Any thread may call its methods."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._changed = threading.Condition()
        self._too_large = 0
        self._dropped = 0

    def put(self, topic: str, payload: bytes) -> None:
        """Queues a message for `get`. Never blocks."""
        with self._changed:
            if len(payload) > MAX_BYTES:
                self._too_large += 1
            else:
                if len(self._waiting) == MAX_WAITING:
                    self._waiting.popleft()
                    self._dropped += 1
                self._waiting.append((topic, payload))
            self._changed.notify()

    def get(self, timeout: float) -> tuple[str, bytes] | None:
        """Removes and returns the oldest waiting message as (topic, payload). None if no message arrives within
        `timeout` seconds, or if the one that arrives is too large."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            return self._waiting.popleft() if self._waiting else None

    def losses(self) -> tuple[int, int]:
        """Numbers of messages dropped since the last call: those that were too large, and those that were evicted."""
        with self._changed:
            lost = self._too_large, self._dropped
            self._too_large = self._dropped = 0
            return lost
