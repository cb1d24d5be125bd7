"""Keeps an error in one output from ending the live loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

from edge.health.registry import Counter, Registry
from edge.observation import Estimate, Observation
from edge.output import Output
from edge.sources.refusals import Refusals

log = logging.getLogger(__name__)

WARNINGS_PER_S: Final = 1 / 60
"""Maximum rate of warnings: a lasting fault, such as a full disk, is logged once a minute."""


class GuardedOutput:
    """Forwards all calls to an output. An exception loses only that message; it is counted and logged."""

    def __init__(self, output: Output, counter: Counter, registry: Registry) -> None:
        """Wraps an output.

        Args:
            output: Receives the calls.
            counter: Counts lost messages; the part of its name before the dot is the output's name in the log.
            registry: Holds the counter.
        """
        self._name = counter.name.partition(".")[0]
        self._output = output
        self._counter = counter
        self._registry = registry
        self._failures = Refusals(lambda why: log.warning("%s", why), burst=1, per_second=WARNINGS_PER_S)

    def observed(self, observation: Observation) -> None:
        """Forwards an observation."""
        self._call(lambda: self._output.observed(observation))

    def estimated(self, estimate: Estimate) -> None:
        """Forwards an estimate."""
        self._call(lambda: self._output.estimated(estimate))

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Forwards the end of a round."""
        self._call(lambda: self._output.tick(now, missing))

    def _call(self, send: Callable[[], None]) -> None:
        try:
            send()
        except Exception as error:
            self._registry.increment(self._counter)
            self._failures.add(
                f"{self._name}: a message was lost: {type(error).__name__}: {_line(error)}", time.monotonic()
            )
            log.debug("%s failed", self._name, exc_info=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
