"""Supervision: a thread that stopped beating is unblocked; where that does not help, the process has to end."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from edge.errors import EdgeEmotionError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.runtime.worker import Worker

log = logging.getLogger(__name__)

STOP_TIMEOUT_S: Final = 3.0
"""How long all threads together may take to end."""


class StuckError(EdgeEmotionError, TimeoutError):
    """A thread hangs and cannot be brought back within this process."""


class Supervisor:
    """Starts, watches and stops the workers. Used from one thread."""

    def __init__(self, workers: Sequence[Worker], stuck_after_s: float, registry: Registry) -> None:
        """`stuck_after_s`: a worker that has not beaten for this many seconds counts as stuck."""
        self._workers = tuple(workers)
        self._stuck_after_s = stuck_after_s
        self._registry = registry
        self._unblocked: dict[Worker, float] = {}

    def start(self) -> None:
        for worker in self._workers:
            worker.start()

    def check(self, now: float) -> bool:
        """Whether every worker is well at `now` (monotonic seconds).

        A worker that became stuck is unblocked once. Raises `StuckError` where it is still stuck `stuck_after_s` later.
        """
        for worker in self._workers:
            silent = worker.silent_for()
            if silent <= self._stuck_after_s:
                self._unblocked.pop(worker, None)
            elif worker not in self._unblocked:
                log.error("%s has not answered for %.0f s; closing its source", worker.name, silent)
                self._registry.increment(catalogue.THREADS_UNBLOCKED)
                self._unblocked[worker] = now
                worker.unblock()
            elif now - self._unblocked[worker] > self._stuck_after_s:
                raise StuckError(
                    f"{worker.name} hangs and cannot be brought back; ending so that the service manager starts anew"
                )
        return not self._unblocked

    def stop(self) -> None:
        """Asks all workers to end and waits for them, at most `STOP_TIMEOUT_S` altogether."""
        for worker in self._workers:
            worker.stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for worker in self._workers:
            if not worker.join(max(0.0, deadline - time.monotonic())):
                log.warning("%s did not end in time", worker.name)
