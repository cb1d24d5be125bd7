"""Who gets which inbound message; a handler that fails costs that message and nothing else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from paho.mqtt.client import topic_matches_sub

from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.mqtt.message import Inbound, Qos

log = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[Inbound], None]


@dataclass(frozen=True, slots=True)
class Route:
    """One subscription."""

    topic: str
    """May hold the wildcards + and #."""
    handler: Handler
    qos: Qos
    accept_retained: bool


class Routes:
    """The subscriptions of one connection. Any thread may add; one thread hands messages out."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        for counter in (catalogue.MQTT_HANDLERS_FAILED, catalogue.MQTT_RETAINED, catalogue.MQTT_OVERSIZED):
            registry.increment(counter, 0)
        self._lock = threading.Lock()
        self._routes: dict[str, Route] = {}
        self._said: set[tuple[str, str]] = set()

    def add(self, route: Route) -> None:
        """Raises `ValueError` for a topic that has a handler already."""
        with self._lock:
            if route.topic in self._routes:
                raise ValueError(f"topic {route.topic!r} has a handler already")
            self._routes[route.topic] = route

    def all(self) -> tuple[Route, ...]:
        with self._lock:
            return tuple(self._routes.values())

    def deliver(self, message: Inbound, oversized: int | None = None) -> None:
        """Hands a message to every matching route. `oversized`: bytes of a message whose payload was thrown away."""
        for route in self.all():
            if not topic_matches_sub(route.topic, message.topic):
                continue
            if oversized is not None:
                self._registry.increment(catalogue.MQTT_OVERSIZED)
                self._say_once(
                    route, catalogue.MQTT_OVERSIZED, f"{message.topic}: a message of {oversized} bytes was thrown away"
                )
            elif message.retained and not route.accept_retained:
                self._registry.increment(catalogue.MQTT_RETAINED)
                self._say_once(
                    route,
                    catalogue.MQTT_RETAINED,
                    f"{message.topic}: a retained message is ignored, since it may be old; publish without retain, "
                    "and clear it with an empty retained message",
                )
            else:
                self._call(route, message)

    def _call(self, route: Route, message: Inbound) -> None:
        try:
            route.handler(message)
        except Exception as error:  # noqa: BLE001  the error's text, which may hold what was said, stays out of the log
            self._registry.increment(catalogue.MQTT_HANDLERS_FAILED)
            self._say_once(
                route,
                catalogue.MQTT_HANDLERS_FAILED,
                f"{message.topic}: a message could not be handled ({type(error).__name__})",
            )

    def _say_once(self, route: Route, counter: Counter, text: str) -> None:
        """Once for each subscription, not for each topic: others choose the topics below a wildcard."""
        key = (route.topic, counter.name)
        if key not in self._said:
            self._said.add(key)
            log.warning("%s; further ones are only counted (%s in health)", text, counter.name)
