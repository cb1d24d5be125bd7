"""A thread that is watched: it beats, and what breaks in it is reported and tried again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from edge.errors import EdgeEmotionError, SourceEnded

log = logging.getLogger(__name__)

FIRST_WAIT_S: Final = 1.0
"""Seconds between the first failure and the next attempt; the wait doubles with each further failure."""
LONGEST_WAIT_S: Final = 5.0
"""The wait does not grow beyond this many seconds."""
HEALTHY_AFTER_S: Final = 10.0
"""A body that beat for this many seconds counts as recovered: its next failure waits only `FIRST_WAIT_S` again."""


class Worker:
    """Runs `body` in a thread until it returns, and again after an error, at first after 1 s, then 2, 4 and 5 s.

    `body` gets the worker, calls `beat` at least every second or so, and returns soon once `stopping` is true.
    `report` gets one line when the body breaks and None as soon as it beats again.
    """

    def __init__(
        self,
        name: str,
        body: Callable[[Worker], None],
        report: Callable[[str | None], None] = lambda _: None,
        unblock: Callable[[], None] = lambda: None,
        *,
        may_wait: bool = False,
        first_wait_s: float = FIRST_WAIT_S,
        longest_wait_s: float = LONGEST_WAIT_S,
        healthy_after_s: float = HEALTHY_AFTER_S,
    ) -> None:
        """Makes the thread without starting it.

        Args:
            name: For messages.
            body: What to run.
            report: Gets the faults.
            unblock: Called from another thread to make a body return that hangs in a read.
            may_wait: The body may wait for its next item for ever (a person who says nothing): it never counts as
                silent.
            first_wait_s: Seconds before the first new attempt, as `FIRST_WAIT_S`.
            longest_wait_s: As `LONGEST_WAIT_S`.
            healthy_after_s: As `HEALTHY_AFTER_S`.
        """
        self.name = name
        self._body = body
        self._report = report
        self._unblock = unblock
        self._may_wait = may_wait
        self._first_wait = first_wait_s
        self._longest_wait = max(first_wait_s, longest_wait_s)
        self._healthy_after = healthy_after_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._beat_at = time.monotonic()
        self._healthy_since: float | None = None
        """When the present run of the body beat first."""
        self._broken = False
        self._unblocked = False
        self.restarts = 0
        self.ended = False
        """True once the body returned of itself or its source ended."""

    def start(self) -> None:
        self._beat_at = time.monotonic()
        self._thread.start()

    def beat(self) -> None:
        """Called by the body: it is alive and well."""
        self._beat_at = time.monotonic()
        if self._healthy_since is None:
            self._healthy_since = self._beat_at
        if self._broken:
            self._broken = False
            self._report(None)

    @property
    def stopping(self) -> bool:
        return self._stop.is_set()

    def silent_for(self) -> float:
        """Seconds since the last beat; 0 for a worker that has ended, waits to start again or may wait."""
        if self.ended or self._broken or self._may_wait:
            return 0.0
        return time.monotonic() - self._beat_at

    def stop(self) -> None:
        """Asks the body to return."""
        self._stop.set()
        self._unblock()

    def unblock(self) -> None:
        """Makes a body that hangs in a read fail, so that it is started anew."""
        self._unblocked = True
        self._unblock()

    def join(self, timeout: float) -> bool:
        """Whether the thread has ended within `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        wait = self._first_wait
        while not self.stopping:
            self._beat_at = time.monotonic()
            self._healthy_since = None
            self._unblocked = False
            try:
                self._body(self)
                break
            except SourceEnded as error:
                if not self._unblocked or self.stopping:
                    break
                # It did not end of itself: it hung, and was closed so that it can be opened anew.
                message = f"{self.name} hung and was closed ({error}); trying again"
            except EdgeEmotionError as error:
                message = str(error)
            except Exception as error:
                # Whatever it was, one thread's fault must not end the process: it is told, counted, tried again.
                message = f"{self.name} failed: {type(error).__name__}: {error}"
                log.debug("%s", message, exc_info=True)
            if self.stopping:
                break
            if not self._broken:
                log.warning("%s", message)
            self._broken = True
            self.restarts += 1
            self._report(message)
            # Not since the start: a camera may take seconds to fail at opening, and has given nothing then.
            if self._healthy_since is not None and self._beat_at - self._healthy_since >= self._healthy_after:
                wait = self._first_wait
            self._stop.wait(wait)
            wait = min(2 * wait, self._longest_wait)
        self.ended = True
