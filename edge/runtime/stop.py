"""The wish to end: set by a signal at any moment, waited for by the main loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Like `threading.Event`, and safe to set in a signal handler.

    A handler runs between two instructions of the main thread. Where that is inside `Event.wait`, which holds a lock
    just before and just after it sleeps, `Event.set` in the handler waits for that lock for ever. Here nobody ever
    waits to set: the lock is held from the start, and set means released.
    """

    def __init__(self) -> None:
        self._asked = False
        self._unasked = threading.Lock()
        self._unasked.acquire()

    def set(self) -> None:
        """Asks to stop; harmless when called again."""
        self._asked = True
        # Released already: asked before.
        with suppress(RuntimeError):
            self._unasked.release()

    def is_set(self) -> bool:
        return self._asked

    def wait(self, timeout: float) -> bool:
        """Whether the stop was asked for, at once or within `timeout` seconds."""
        if not self._asked:
            self._unasked.acquire(timeout=max(0.0, timeout))
        return self._asked


@contextmanager
def on_signals() -> Iterator[StopRequest]:
    """A request that SIGINT and SIGTERM make; the former handlers are put back in the end."""
    stop = StopRequest()

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
