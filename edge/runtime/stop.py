"""The request to end: made by a signal at any moment, waited for by the main loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Like `threading.Event`, but safe to set in a signal handler.

    A handler runs between two instructions of the main thread. If that thread is inside `Event.wait`, it may hold the
    event's lock, and `Event.set` in the handler would wait for that lock for ever. Here `set` never waits: a lock is
    held from the start, and setting means releasing it.
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._asked = False
        self._unasked = threading.Lock()
        self._unasked.acquire()

    def set(self, number: int | None = None) -> None:
        """Asks to stop; harmless when called again. `number`: the signal that asks."""
        if not self._asked:
            self._signal = number
        self._asked = True
        # The lock is free already after an earlier request.
        with suppress(RuntimeError):
            self._unasked.release()

    def is_set(self) -> bool:
        """Whether the stop was asked for."""
        return self._asked

    @property
    def signal(self) -> int | None:
        """The signal that asked first; None without a request, or where no signal made it."""
        return self._signal

    def wait(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds for the request. Returns whether it was made."""
        if not self._asked:
            self._unasked.acquire(timeout=max(0.0, timeout))
        return self._asked


class Interrupted(KeyboardInterrupt):
    """A signal ends a command that has nothing to bring to an end first."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """As a shell gives it: 130 for SIGINT, 143 for SIGTERM."""


class _Installed:
    """The request that the process's signal handlers make now; None while none of ours is installed."""

    request: StopRequest | None = None


@contextmanager
def on_signals(*, ignore_afterwards: bool = False) -> Iterator[StopRequest]:
    """Makes SIGINT and SIGTERM a request to stop for as long as the block lasts. For the main thread only.

    A block inside another one shares the request, so that a signal that came before it is not lost. At the end of the
    outermost block the former handlers are put back.

    Args:
        ignore_afterwards: Ignore both signals after the block instead. Python puts the default handlers back while it
            shuts down, which takes long enough for a late signal to turn a clean exit into a death by that signal.
    """
    if _Installed.request is not None:
        yield _Installed.request
        return
    stop = StopRequest()

    def handle(number: int, _frame: FrameType | None) -> None:
        stop.set(number)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    _Installed.request = stop
    try:
        yield stop
    finally:
        _Installed.request = None
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if ignore_afterwards else handler)


@contextmanager
def interrupting(stop: StopRequest) -> Iterator[None]:
    """Makes a signal raise `Interrupted` inside the block, for a command that need not end in order.

    Raises:
        Interrupted: A signal comes, or one has made `stop` a request already.
    """

    def interrupt(number: int, _frame: FrameType | None) -> NoReturn:
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        if stop.signal is not None:
            raise Interrupted(stop.signal)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
