"""Delivers incoming messages to the handlers of their topics. A handler that fails costs only that message."""

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
"""Receives an incoming message on the network thread."""


@dataclass(frozen=True, slots=True)
class Route:
    """One subscription."""

    topic: str
    """Topic filter, which may contain the wildcards + and #."""
    handler: Handler
    """Receives every matching message."""
    qos: Qos
    """Highest quality of service for delivery."""
    accept_retained: bool
    """Retained messages are delivered too; otherwise they are only counted."""


class Routes:
    """The subscriptions of one connection. Any thread may add one; one thread delivers messages."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        for counter in (catalogue.MQTT_HANDLERS_FAILED, catalogue.MQTT_RETAINED, catalogue.MQTT_OVERSIZED):
            registry.increment(counter, 0)
        self._lock = threading.Lock()
        self._routes: dict[str, Route] = {}
        self._logged: set[tuple[str, str]] = set()

    def add(self, route: Route) -> None:
        """Adds a subscription. Raises `ValueError` if its topic already has a handler."""
        with self._lock:
            if route.topic in self._routes:
                raise ValueError(f"topic {route.topic!r} has a handler already")
            self._routes[route.topic] = route

    def all(self) -> tuple[Route, ...]:
        """All subscriptions, in the order in which they were added."""
        with self._lock:
            return tuple(self._routes.values())

    def deliver(self, message: Inbound, oversized: int | None = None) -> None:
        """Delivers a message to every matching route. `oversized`: size in bytes if the payload was discarded."""
        for route in self.all():
            if not topic_matches_sub(route.topic, message.topic):
                continue
            if oversized is not None:
                self._registry.increment(catalogue.MQTT_OVERSIZED)
                self._warn_once(
                    route, catalogue.MQTT_OVERSIZED, f"{message.topic}: a message of {oversized} bytes was thrown away"
                )
            elif message.retained and not route.accept_retained:
                self._registry.increment(catalogue.MQTT_RETAINED)
                self._warn_once(
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
        except Exception as error:  # noqa: BLE001  the error's text may quote a transcript, so it is not logged
            self._registry.increment(catalogue.MQTT_HANDLERS_FAILED)
            self._warn_once(
                route,
                catalogue.MQTT_HANDLERS_FAILED,
                f"{message.topic}: a message could not be handled ({type(error).__name__})",
            )

    def _warn_once(self, route: Route, counter: Counter, text: str) -> None:
        """Logs a warning once for each subscription and counter. Not once for each topic, since other clients choose
        the topics below a wildcard and could flood the log."""
        key = (route.topic, counter.name)
        if key not in self._logged:
            self._logged.add(key)
            log.warning("%s; further ones are only counted (%s in health)", text, counter.name)
