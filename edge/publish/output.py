"""Publishes what the live loop observes, estimates and measures over MQTT."""

from __future__ import annotations

import time

from edge.clock import Clock
from edge.health import catalogue, host
from edge.health.registry import Registry
from edge.observation import Estimate, Observation
from edge.publish import health as metrics
from edge.publish.client import Publisher
from edge.publish.payloads import observation_payload, state_payload


class MqttOutput:
    """Publishes observations and states as they come and `health` every `health_interval` seconds."""

    def __init__(
        self,
        publisher: Publisher,
        registry: Registry,
        *,
        valid_for: float,
        health_interval: float,
    ) -> None:
        """`valid_for`: seconds after which a reader should no longer act on a state."""
        self._publisher = publisher
        self._registry = registry
        self._valid_for = valid_for
        self._health_interval = health_interval
        self._clock = Clock.live()
        self._started_at = self._reported_at = time.monotonic()
        self._before = registry.snapshot().counters

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
        self._registry.set(catalogue.UPTIME, now - self._started_at)
        host.measure(self._registry)
        measured = self._registry.snapshot()
        self._publisher.publish_health(
            metrics.collect(
                measured,
                before=self._before,
                seconds=now - self._reported_at,
                measured_at=self._clock.rfc3339(now),
                missing=missing,
            )
        )
        self._before, self._reported_at = measured.counters, now
