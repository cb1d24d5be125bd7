"""A live loop in a thread of its own, and an output that records its messages."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from support.brokers import PATIENCE, eventually

from edge.config import Config, Face
from edge.health.registry import Registry
from edge.observation import Estimate, Observation
from edge.runtime import senses
from edge.runtime.feeds import Inputs
from edge.runtime.live import Live
from edge.runtime.stop import StopRequest
from edge.runtime.supervision import StuckError

CONFIG = Config(face=Face(detector="haar"))


class Recorder:
    """Records the messages of the loop."""

    def __init__(self) -> None:
        self.observations: list[Observation] = []
        self.delays: list[float] = []
        """Seconds between the capture of each observation and its arrival here."""
        self.estimates: list[Estimate] = []

    def observed(self, observation: Observation) -> None:
        self.delays.append(time.monotonic() - observation.captured_at)
        self.observations.append(observation)

    def estimated(self, estimate: Estimate) -> None:
        self.estimates.append(estimate)

    def tick(self, now: float, missing: dict[str, str]) -> None:
        pass

    def missing(self, sense: str) -> str | None:
        if not self.estimates:
            return None
        return next(part.missing for part in self.estimates[-1].contributions if part.sense == sense)

    def senses(self) -> set[str]:
        return {observation.sense for observation in self.observations}


class Running:
    """A live loop in a thread of its own."""

    def __init__(self, loaded: senses.Senses, inputs: Inputs, config: Config = CONFIG) -> None:
        self.recorder, self.registry = Recorder(), Registry()
        self.live = Live(config, loaded, inputs, (self.recorder,), self.registry)
        self.stop = StopRequest()
        self.alive = 0
        self.error: Exception | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        def alive() -> None:
            self.alive += 1

        try:
            self.live.run(self.stop, alive)
        except StuckError as error:
            self.error = error

    def __enter__(self) -> Running:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def until(self, condition: Callable[[], object], what: str) -> None:
        eventually(condition, what)
