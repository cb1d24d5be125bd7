"""Supervision of the threads: one without heartbeats is unblocked; if that does not help, the process has to end."""

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
"""Maximum seconds for all threads together to end."""


class StuckError(EdgeEmotionError, TimeoutError):
    """A thread hangs and cannot be recovered within this process."""


class Supervisor:
    """Starts, monitors and stops the workers. Used from one thread."""

    def __init__(self, workers: Sequence[Worker], stuck_after_s: float, registry: Registry) -> None:
        """Takes over the workers without starting them.

        Args:
            workers: The workers.
            stuck_after_s: Seconds without a heartbeat after which a worker counts as stuck.
            registry: Where unblocked threads are counted.
        """
        self._workers = tuple(workers)
        self._stuck_after_s = stuck_after_s
        self._registry = registry
        self._unblocked: dict[Worker, float] = {}

    def start(self) -> None:
        """Starts all workers."""
        for worker in self._workers:
            worker.start()

    def check(self, now: float) -> bool:
        """Whether no worker is stuck at `now` (monotonic seconds).

        A stuck worker is unblocked once. Raises `StuckError` if it is still stuck `stuck_after_s` later.
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
        """Stops all workers and waits for them, at most `STOP_TIMEOUT_S` in total."""
        for worker in self._workers:
            worker.stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        for worker in self._workers:
            if not worker.join(max(0.0, deadline - time.monotonic())):
                log.warning("%s did not end in time", worker.name)
