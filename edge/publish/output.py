"""The live loop's ear for MQTT: what it observes, estimates and counts becomes messages."""

from __future__ import annotations

import time

from edge.clock import Clock
from edge.health.counters import Counters
from edge.health.timings import Timings
from edge.observation import Estimate, Observation
from edge.publish import health as metrics
from edge.publish.client import Publisher
from edge.publish.payloads import observation_payload, state_payload


class MqttOutput:
    """Publishes observations and states as they come and `health` every `health_interval` seconds."""

    def __init__(
        self,
        publisher: Publisher,
        counters: Counters,
        timings: Timings,
        *,
        valid_for: float,
        health_interval: float,
    ) -> None:
        """`valid_for`: seconds after which a reader should no longer act on a state."""
        self._publisher = publisher
        self._counters = counters
        self._timings = timings
        self._valid_for = valid_for
        self._health_interval = health_interval
        self._clock = Clock.live()
        self._started_at = self._reported_at = time.monotonic()
        self._before = counters.snapshot()

    def observed(self, observation: Observation) -> None:
        self._publisher.publish_observation(observation.sense, observation_payload(observation, self._clock))

    def estimated(self, estimate: Estimate) -> None:
        state = state_payload(estimate, self._clock, valid_for=self._valid_for)
        self._publisher.publish_state(state, valid_for=self._valid_for)

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Publishes `health` when it is due; follows the wall clock when that is set anew."""
        self._clock = self._clock.anchored(time.monotonic(), time.time())
        if now - self._reported_at < self._health_interval:
            return
        counts = self._counters.snapshot()
        self._publisher.publish_health(
            metrics.collect(
                measured_at=self._clock.rfc3339(now),
                uptime=now - self._started_at,
                before=self._before,
                now=counts,
                seconds=now - self._reported_at,
                milliseconds=self._timings.milliseconds(),
                missing=missing,
            )
        )
        self._before, self._reported_at = counts, now
