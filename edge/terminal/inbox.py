"""Messages that wait to be shown, bounded in number and size."""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

MAX_BYTES: Final = 100_000
"""A larger payload is dropped. A state has about 2 kB."""

MAX_WAITING: Final = 500
"""Beyond this many waiting messages the oldest is dropped: a view must show the present."""


class Inbox:
    """Hands messages from the network thread to the one that shows them. Both methods are safe from any thread."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._changed = threading.Condition()
        self._too_large = 0
        self._dropped = 0

    def put(self, topic: str, payload: bytes) -> None:
        """Keeps a message for `get`; never blocks."""
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
        """The oldest waiting message (topic, payload), or None where none comes within `timeout` seconds, or where
        what came was too large to keep."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            return self._waiting.popleft() if self._waiting else None

    def losses(self) -> tuple[int, int]:
        """Messages dropped since the last call: too large, and too many."""
        with self._changed:
            lost = self._too_large, self._dropped
            self._too_large = self._dropped = 0
            return lost
