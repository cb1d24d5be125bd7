"""The request to stop: set by a signal at any moment, awaited by the main loop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""The signals that request a stop."""


class StopRequest:
    """Like `threading.Event`, but safe to set in a signal handler.

    A handler runs between two instructions of the main thread. If that thread is inside `Event.wait`, it may hold the
    event's lock, and `Event.set` in the handler would wait for that lock for ever. Here `set` never waits: a lock is
    held from the start, and setting means releasing it.
    """

    def __init__(self) -> None:
        self._signal: int | None = None
        self._requested = False
        self._locked_until_request = threading.Lock()
        self._locked_until_request.acquire()

    def set(self, number: int | None = None) -> None:
        """Requests the stop; may be called again. `number`: the signal that requests it, None for no signal."""
        if not self._requested:
            self._signal = number
        self._requested = True
        # After an earlier request the lock is already released.
        with suppress(RuntimeError):
            self._locked_until_request.release()

    def is_set(self) -> bool:
        """Whether the stop was requested."""
        return self._requested

    @property
    def signal(self) -> int | None:
        """The signal of the first request; None without a request, or if no signal made it."""
        return self._signal

    def wait(self, timeout: float) -> bool:
        """Waits at most `timeout` seconds for the request. Returns whether it was made."""
        if not self._requested:
            self._locked_until_request.acquire(timeout=max(0.0, timeout))
        return self._requested


class Interrupted(KeyboardInterrupt):
    """Raised by a signal in a command that needs no orderly shutdown."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """Exit code by the convention of shells: 130 for SIGINT, 143 for SIGTERM."""


class _Installed:
    """Process-wide state of the signal handlers of this module."""

    request: StopRequest | None = None
    """The request that the installed handlers set; None while they are not installed."""


@contextmanager
def on_signals(*, ignore_afterwards: bool = False) -> Iterator[StopRequest]:
    """Turns SIGINT and SIGTERM into a request to stop while the block runs. For the main thread only.

    A nested block shares the request, so that an earlier signal is not lost. The end of the outermost block restores
    the previous handlers.

    Args:
        ignore_afterwards: Ignore both signals after the block instead. Python restores the default handlers while it
            shuts down, which takes long enough for a late signal to kill the process after a clean exit.
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
    """Makes a signal raise `Interrupted` inside the block, for a command that needs no orderly shutdown.

    Raises:
        Interrupted: A signal arrives, or one has already set `stop`.
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
