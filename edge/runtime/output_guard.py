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
"""A lasting fault, such as a full disk, is logged once a minute."""


class GuardedOutput:
    """Passes everything on to `output`; an exception there costs the one message, is counted and logged."""

    def __init__(self, output: Output, counter: Counter, registry: Registry) -> None:
        """`counter`: what counts the messages that were lost; the part before its dot names the output in the log."""
        self._name = counter.name.partition(".")[0]
        self._output = output
        self._counter = counter
        self._registry = registry
        self._failures = Refusals(lambda why: log.warning("%s", why), burst=1, per_second=WARNINGS_PER_S)

    def observed(self, observation: Observation) -> None:
        """Passes an observation on."""
        self._call(lambda: self._output.observed(observation))

    def estimated(self, estimate: Estimate) -> None:
        """Passes an estimate on."""
        self._call(lambda: self._output.estimated(estimate))

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Passes the end of a round on."""
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
