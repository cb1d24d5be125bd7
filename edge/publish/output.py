"""The MQTT output of the main loop, which publishes observations, estimates and health."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from edge.clock import Clock
from edge.health import catalogue, host
from edge.health.registry import Registry
from edge.observation import Estimate, Observation
from edge.publish import health as metrics
from edge.publish.client import Publisher
from edge.publish.encoding import observation_payload, state_payload

log = logging.getLogger(__name__)


class MqttOutput:
    """Publishes observations and states as they arrive, and `health` every `health_interval` seconds.

    A message that cannot be made is dropped and counted; no method raises an exception for it.
    """

    def __init__(
        self,
        publisher: Publisher,
        registry: Registry,
        *,
        valid_for: float,
        health_interval: float,
        live: bool = True,
    ) -> None:
        """Prepares the output. The first `health` is due after one interval.

        Args:
            publisher: client of the device.
            registry: holds the metrics that `health` reports, and counts failures.
            valid_for: seconds after which a reader should no longer act on a state.
            health_interval: seconds between two messages on `health`.
            live: estimates carry monotonic time; False if they carry the time of a recording.
        """
        self._publisher = publisher
        self._registry = registry
        self._valid_for = valid_for
        self._health_interval = health_interval
        self._live = live
        self._clock = Clock.live()
        self._started_at = self._reported_at = time.monotonic()
        self._before = registry.snapshot().counters
        self._failed_kinds: set[str] = set()

    def observed(self, observation: Observation) -> None:
        """Publishes one observation."""

        def publish() -> None:
            payload = observation_payload(observation, self._clock)
            self._publisher.publish_observation(observation.sense, payload)

        self._attempt(observation.sense, publish)

    def estimated(self, estimate: Estimate) -> None:
        """Publishes one state. It is dropped if it cannot be sent before its `valid_until`."""

        def publish() -> None:
            state = state_payload(estimate, self._clock, valid_for=self._valid_for)
            deadline = estimate.captured_at + self._valid_for if self._live else None
            self._publisher.publish_state(state, valid_for=self._valid_for, deadline=deadline)

        self._attempt("state", publish)

    def tick(self, now: float, missing: dict[str, str]) -> None:
        """Publishes `health` when it is due, and adjusts to changes of the wall clock.

        Args:
            now: monotonic time in seconds.
            missing: sense → why it gives no observations.
        """
        self._clock = self._clock.anchored(time.monotonic(), time.time())
        if now - self._reported_at < self._health_interval:
            return
        self._registry.set(catalogue.UPTIME, now - self._started_at)
        host.measure(self._registry)
        measured = self._registry.snapshot()
        before, seconds = self._before, now - self._reported_at
        self._before, self._reported_at = measured.counters, now

        def publish() -> None:
            self._publisher.publish_health(
                metrics.collect(
                    measured,
                    before=before,
                    seconds=seconds,
                    measured_at=self._clock.rfc3339(now),
                    missing=missing,
                )
            )

        self._attempt("health", publish)

    def _attempt(self, kind: str, publish: Callable[[], None]) -> None:
        try:
            publish()
        except Exception as error:
            self._registry.increment(catalogue.MQTT_MESSAGES_FAILED)
            if kind not in self._failed_kinds:
                self._failed_kinds.add(kind)
                log.warning("%s: a message cannot be made: %r; further ones are only counted", kind, error)
                log.debug("%s", kind, exc_info=True)
