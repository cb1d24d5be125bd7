"""The state that the network thread of a connection shares with the threads that publish."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from typing import Final

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.failure import Failure
from edge.mqtt.failure_log import FailureLog
from edge.mqtt.message import Message, Status
from edge.mqtt.outbox import Outbox

_ALWAYS_REPORTED: Final = (
    catalogue.MQTT_DROPPED,
    catalogue.MQTT_REPLACED,
    catalogue.MQTT_EXPIRED,
    catalogue.MQTT_MESSAGES_FAILED,
    catalogue.MQTT_TAKEOVERS,
)
"""Counters that `health` reports even while they are 0."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """The last messages of a connection that `close` ends."""

    connected: bool
    """False if the connection is down, so that nothing can be sent."""
    rest: list[Message]
    """Messages that were still waiting, oldest first within each quality of service."""
    message: Message | None
    """The message whose receipt `close` waits for."""
    deadline: float
    """Monotonic seconds until which the network thread waits for the receipt."""


class ConnectionState:
    """Outbox, counts and requests of one connection. Every method may be called from any thread."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        for counter in _ALWAYS_REPORTED:
            registry.increment(counter, 0)
        # The condition guards all attributes below it.
        self._changed = threading.Condition()
        self.connected = False
        """The broker has accepted the connection, and it has not broken since."""
        self.closing = False
        """`close` was called; the network thread ends as soon as it sees this."""
        self._greeting = False
        """`on_connected` runs; what it publishes is sent even if `close` was called meanwhile."""
        self._connected_at = 0.0
        self._connects = 0
        self._failures = 0
        self._published = 0
        self._not_sent = 0
        self._last_failure: Failure | None = None
        self._failure_log = FailureLog()
        self._outbox = Outbox()
        self._farewell: Message | None = None
        self._farewell_deadline = 0.0
        self._farewell_received = False

    # For the threads that publish.

    def put(self, message: Message) -> tuple[bool, bool]:
        """Queues a message.

        Returns:
            Whether the message was queued, and whether the network thread has to be woken to send it.
        """
        with self._changed:
            if not self.connected or (self.closing and not self._greeting):
                self._not_sent += 1
                self._count_losses()
                return False, False
            # A QoS 0 message behind others is sent when the broker's answer to a ping wakes the thread.
            wake = message.qos > 0 or len(self._outbox) == 0
            queued = self._outbox.put(message, time.monotonic())
            self._count_losses()
        return queued, queued and wake

    def wait_for_first_connection(self, timeout: float) -> tuple[bool, Failure | None]:
        """Waits at most `timeout` seconds, and not at all after a failure that is permanent.

        Returns:
            Whether there has been a connection, and the last failure.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._connects or (self._last_failure and self._last_failure.permanent), timeout
            )
            return self._connects > 0, self._last_failure

    def status(self, *, alive: bool) -> Status:
        """The state of the connection now. `alive`: whether the network thread runs."""
        with self._changed:
            return Status(
                connected=self.connected,
                last_error=None if self._last_failure is None else self._last_failure.message,
                connects=self._connects,
                failures=self._failures,
                published=self._published,
                dropped=self._not_sent + self._outbox.losses.total(),
                alive=alive,
            )

    def request_close(self, farewell: Message | None, timeout: float) -> bool:
        """Asks the network thread to send `farewell`, to wait at most `timeout` seconds for its receipt, and to end.
        False if that was requested before."""
        with self._changed:
            if self.closing:
                return False
            self.closing = True
            self._farewell = farewell
            self._farewell_deadline = time.monotonic() + timeout
            self._changed.notify_all()
            return True

    def closed(self) -> bool:
        """Marks the connection as closed. Returns whether the broker acknowledged the farewell."""
        with self._changed:
            self.connected = False
            return self._farewell_received

    # For the network thread.

    def wait_for_close(self, timeout: float) -> None:
        """Waits at most `timeout` seconds for `request_close`."""
        with self._changed:
            self._changed.wait_for(lambda: self.closing, timeout)

    def record_connect(self) -> bool:
        """Records that the broker accepted the connection. Returns whether that is worth a line in the log."""
        with self._changed:
            self.connected = True
            self._greeting = True
            self._connected_at = time.monotonic()
            self._last_failure = None
            return self._failure_log.connected()

    def announce_connect(self) -> None:
        """Counts the connection, after everything that belongs at its beginning was published.

        Wakes the threads that wait for the first connection.
        """
        with self._changed:
            self._greeting = False
            self._connects += 1
            self._changed.notify_all()

    def record_disconnect(self) -> tuple[bool, float]:
        """Records that the network connection is gone, and drops what waited for it.

        Returns:
            Whether the broker had accepted the connection, and for how many seconds it held.
        """
        with self._changed:
            was_connected, self.connected = self.connected, False
            held = time.monotonic() - self._connected_at if was_connected else 0.0
            if was_connected:
                self._failure_log.held(held)
            self._outbox.clear()
            self._count_losses()
        return was_connected, held

    def record_failure(self, failure: Failure) -> bool:
        """Records a failure. Returns whether it is worth a warning in the log."""
        with self._changed:
            self._failures += 1
            self._last_failure = failure
            news = self._failure_log.is_news(failure.kind) and not self.closing
            self._changed.notify_all()
        return news

    def record_sent(self, sent: bool) -> None:
        """Counts a message that was handed to the network, or that the network did not take."""
        with self._changed:
            self._published += sent
            self._not_sent += not sent
            self._count_losses()

    def take_batch(self, now: float, qos0_bytes: int) -> tuple[list[Message], list[Message]]:
        """Removes the messages that may be sent now from the queue.

        Args:
            now: monotonic seconds.
            qos0_bytes: largest total payload of QoS 0 messages; 0 to take none of them.

        Returns:
            QoS 1 messages and QoS 0 messages; both empty while the connection is down.
        """
        with self._changed:
            if not self.connected:
                return [], []
            qos1 = self._outbox.take_receipted(now)
            qos0 = self._outbox.take(now, qos0_bytes) if qos0_bytes else []
            self._count_losses()
        return qos1, qos0

    def take_farewell(self, now: float) -> Farewell:
        """Removes all messages from the queue, to be sent before the farewell. `now`: monotonic seconds."""
        with self._changed:
            rest = [*self._outbox.take_receipted(now), *self._outbox.take(now, sys.maxsize)]
            self._count_losses()
            return Farewell(self.connected, rest, self._farewell, self._farewell_deadline)

    def record_farewell(self, received: bool) -> None:
        """Records whether the broker acknowledged the farewell."""
        with self._changed:
            self._farewell_received = received

    def _count_losses(self) -> None:
        losses = self._outbox.losses
        self._registry.raise_to(catalogue.MQTT_DROPPED, self._not_sent + losses.dropped)
        self._registry.raise_to(catalogue.MQTT_REPLACED, losses.replaced)
        self._registry.raise_to(catalogue.MQTT_EXPIRED, losses.expired)
