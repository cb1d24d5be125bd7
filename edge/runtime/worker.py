"""A supervised thread: it sends heartbeats, and after a failure its body is reported and restarted with back-off."""

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
"""Maximum seconds between a failure and the next attempt."""
HEALTHY_AFTER_S: Final = 10.0
"""A body that sent heartbeats for this many seconds counts as recovered, which resets the wait to `FIRST_WAIT_S`."""


class Worker:
    """Runs `body` in a thread until it returns, and restarts it after an error, by default after 1, 2, 4 and then 5 s.

    `body` receives the worker, calls `beat` about every second or more often, and returns soon once `stopping` is True.
    `report` receives one line when the body fails, and None as soon as it sends a heartbeat again.
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
            name: Name of the thread, also used in messages.
            body: The function to run.
            report: Receives the faults.
            unblock: Called from another thread; makes a body that hangs in a read return.
            may_wait: Whether the body may wait indefinitely for its next item (such as for a person to speak); it then
                never counts as silent.
            first_wait_s: Seconds before the first restart.
            longest_wait_s: Maximum seconds before a restart.
            healthy_after_s: Seconds of heartbeats after which the body counts as recovered.
        """
        self.name = name
        """Name of the thread."""
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
        """Monotonic seconds of the first heartbeat of the present run of the body."""
        self._failed = False
        self._unblocked = False
        self.restarts = 0
        """Number of failures so far, each followed by a restart."""
        self.ended = False
        """Whether the thread has finished: the body returned, its source ended, or the worker was stopped."""

    def start(self) -> None:
        """Starts the thread."""
        self._beat_at = time.monotonic()
        self._thread.start()

    def beat(self) -> None:
        """Sends a heartbeat; called by the body."""
        self._beat_at = time.monotonic()
        if self._healthy_since is None:
            self._healthy_since = self._beat_at
        if self._failed:
            self._failed = False
            self._report(None)

    @property
    def stopping(self) -> bool:
        """Whether the body should return."""
        return self._stop.is_set()

    def silent_for(self) -> float:
        """Seconds since the last heartbeat; 0 for a worker that has ended, is about to restart, or may wait."""
        if self.ended or self._failed or self._may_wait:
            return 0.0
        return time.monotonic() - self._beat_at

    def stop(self) -> None:
        """Requests the body to return."""
        self._stop.set()
        self._unblock()

    def unblock(self) -> None:
        """Makes a body that hangs in a read fail, so that it is restarted."""
        self._unblocked = True
        self._unblock()

    def join(self, timeout: float) -> bool:
        """Waits for the thread and returns whether it ended within `timeout` seconds."""
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
                # The source did not end by itself: it hung and was closed, so that it can be opened again.
                message = f"{self.name} hung and was closed ({error}); trying again"
            except EdgeEmotionError as error:
                message = str(error)
            except Exception as error:
                # No exception of one thread may end the process: it is reported and counted, and the body restarted.
                message = f"{self.name} failed: {type(error).__name__}: {error}"
                log.debug("%s", message, exc_info=True)
            if self.stopping:
                break
            if not self._failed:
                log.warning("%s", message)
            self._failed = True
            self.restarts += 1
            self._report(message)
            # Measured from the first heartbeat, not from the start: a camera may take seconds to fail to open.
            if self._healthy_since is not None and self._beat_at - self._healthy_since >= self._healthy_after:
                wait = self._first_wait
            self._stop.wait(wait)
            wait = min(2 * wait, self._longest_wait)
        self.ended = True
