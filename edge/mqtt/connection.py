"""One connection to the broker, over paho-mqtt 2: made in the background, and made again whenever it breaks.

A thread of its own does all that touches the network. What is to be published waits in the outbox until the broker has
taken in what was sent before: after each batch of QoS 0 messages goes a ping, and only its answer lets the next batch
go. So a broker or a link that stalls holds back messages where newer ones replace them, not in the buffers of the
operating system, where they would grow old and still be delivered.
"""

from __future__ import annotations

import contextlib
import logging
import math
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.errors import BrokerError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt import backoff, failure
from edge.mqtt.address import Address
from edge.mqtt.backoff import Backoff, Takeovers
from edge.mqtt.failure import Failure
from edge.mqtt.failure_log import FailureLog
from edge.mqtt.message import Inbound, Message, Protocol, Qos, Status
from edge.mqtt.outbox import RECEIPTED, Outbox
from edge.mqtt.routes import Handler, Route, Routes
from edge.mqtt.wire import Wire

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
"""Time for the network connection."""

GREETING_TIMEOUT_S: Final = 15.0
"""Time for the broker's answer to the greeting, where the keep-alive is not shorter."""

RETRY_MAX_S: Final = 5.0
"""Longest wait between two attempts to connect."""

MOST_BYTES_IN: Final = 262_144
"""Largest packet that is taken in."""

BATCH_BYTES: Final = 2048
"""Payload that goes out before the broker has to answer. One state is about 1 kB; a link of 2 kB/s needs a second for
it."""

_SHOWN_FROM_THE_START: Final = (
    catalogue.MQTT_DROPPED,
    catalogue.MQTT_REPLACED,
    catalogue.MQTT_EXPIRED,
    catalogue.MQTT_MESSAGES_FAILED,
    catalogue.MQTT_TAKEOVERS,
)
"""Counters that `health` reports even while they are 0."""

_TURN_S: Final = 1.0
"""How long the thread waits for the network before it looks after the keep-alive."""

_DISCONNECT_S: Final = 0.5
"""Time in which the farewell packet has to leave."""


class Connection:
    """Publishes and subscribes; no method waits for the network but `require_first_connection` and `close`."""

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        protocol: Protocol = "3.1.1",
        keepalive: int = 15,
        retry_max: float = RETRY_MAX_S,
        most_bytes_in: int = MOST_BYTES_IN,
        ca_file: Path | None = None,
        will: Message | None = None,
        on_connected: Callable[[], None] | None = None,
        registry: Registry | None = None,
    ) -> None:
        """Prepares the connection; `start` begins it.

        Args:
            address: the broker.
            client_id: a second client that uses it takes this one's session over.
            protocol: version of MQTT.
            keepalive: seconds; the broker speaks the last will after one and a half times this silence.
            retry_max: longest wait between two attempts, in seconds.
            most_bytes_in: largest packet that is taken in; the payload of a larger one is thrown away as it comes.
            ca_file: certificate authority in PEM for TLS; None for the system's.
            will: what the broker publishes when this side ends without a word.
            on_connected: called on the network thread at every connect; what it publishes goes out first.
            registry: where to count.

        Raises:
            BrokerError: `ca_file` is of no use.
        """
        self.address = address
        self.client_id = client_id
        self._v5 = protocol == "5"
        self._keepalive = keepalive
        self._on_connected = on_connected
        self._registry = Registry() if registry is None else registry
        for counter in _SHOWN_FROM_THE_START:
            self._registry.increment(counter, 0)
        self._routes = Routes(self._registry)
        self._retry = Backoff(min(backoff.FIRST_S, retry_max), retry_max)
        self._takeovers = Takeovers()
        self._takeover_wait = Backoff(backoff.FIRST_S, backoff.TAKEOVER_MAX_S, jitter=0.5)
        self._changed = threading.Condition()
        # All below, up to the next comment, is guarded by `_changed`.
        self._connected = False
        self._connected_at = 0.0
        self._connects = 0
        self._failures = 0
        self._published = 0
        self._away = 0
        self._last: Failure | None = None
        self._failure_log = FailureLog()
        self._outbox = Outbox()
        self._closing = False
        self._close_by = 0.0
        self._farewell: Message | None = None
        self._farewell_received = False
        # Below: the network thread's own.
        self._answered = False
        self._taken_over = False
        self._subscribed: dict[str, Route] = {}
        self._subscribing: dict[int, str] = {}
        self._failed_once: set[str] = set()

        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._wire = self._make_wire(will, ca_file, most_bytes_in)
        self._thread = threading.Thread(target=self._run, name=f"mqtt {client_id}", daemon=True)

    def _make_wire(self, will: Message | None, ca_file: Path | None, most_bytes_in: int) -> Wire:
        wire = Wire(self.client_id, v5=self._v5, most_bytes=most_bytes_in, connect_timeout=CONNECT_TIMEOUT_S)
        wire.max_queued_messages_set(RECEIPTED)
        if self.address.username is not None:
            wire.username_pw_set(self.address.username, self.address.password)
        if self.address.tls:
            wire.tls_set_context(_tls(ca_file))
        if will is not None:
            wire.will_set(will.topic, will.payload, will.qos, will.retain)
        wire.on_connect = self._connack
        wire.on_disconnect = self._disconnected
        wire.on_message = self._received
        wire.on_subscribe = self._subscription_answered
        return wire

    def on(self, topic: str, handler: Handler, *, qos: Qos = 0, accept_retained: bool = False) -> None:
        """Subscribes to `topic`, which may hold wildcards, at this and at every later connect.

        Args:
            topic: as in MQTT's topic filters.
            handler: gets each message on the network thread, which it must not hold up. What it raises is counted.
            qos: highest quality of service for delivery under MQTT 3.1.1; under MQTT 5 it is 0.
            accept_retained: take messages that the broker had kept from earlier; otherwise they are counted only.

        Raises:
            ValueError: the topic has a handler already.
        """
        self._routes.add(Route(topic, handler, qos, accept_retained))
        self._wake()

    def start(self) -> None:
        """Begins to connect, and goes on trying until `close`."""
        self._thread.start()

    def require_first_connection(self, timeout: float) -> None:
        """Waits for the first connection, at most `timeout` seconds. Raises `BrokerError` with the reason: at once
        where trying again cannot help, such as with a wrong password."""
        with self._changed:
            self._changed.wait_for(lambda: self._connects or (self._last and self._last.permanent), timeout)
            if not self._connects:
                raise BrokerError(self._last.message if self._last else f"broker {self.address}: no answer")

    def publish(self, message: Message) -> bool:
        """Hands a message to the network thread; False when it was dropped instead, because the broker is away, the
        message is past its deadline or the queue is full. Nothing is kept for a later connection."""
        with self._changed:
            if not self._connected or self._closing:
                self._away += 1
                self._count_losses()
                return False
            # Behind others that wait, QoS 0 goes when the broker's answer wakes the thread.
            wake = message.qos > 0 or len(self._outbox) == 0
            taken = self._outbox.put(message, time.monotonic())
            self._count_losses()
        if taken and wake:
            self._wake()
        return taken

    def status(self) -> Status:
        """How the connection is doing now."""
        with self._changed:
            return Status(
                connected=self._connected,
                last_error=None if self._last is None else self._last.message,
                connects=self._connects,
                failures=self._failures,
                published=self._published,
                dropped=self._away + self._outbox.losses.total(),
                alive=self._thread.is_alive(),
            )

    def close(self, farewell: Message | None = None, timeout: float = 3.0) -> bool:
        """Sends `farewell`, waits at most `timeout` seconds for the broker's receipt, and disconnects without the last
        will. True when the farewell was received. Harmless when called twice."""
        with self._changed:
            if self._closing:
                return False
            self._closing = True
            self._close_by = time.monotonic() + timeout
            self._farewell = farewell
            self._changed.notify_all()
        if self._thread.ident is None:
            return False
        self._wake()
        # A dead host or name server can draw out a connect in progress; the thread then ends with the process.
        self._thread.join(timeout + 2 * _DISCONNECT_S)
        with self._changed:
            self._connected = False
            return self._farewell_received

    def _wake(self) -> None:
        # Where it is full, it wakes the thread anyhow; where it is closed, there is nothing to wake.
        with contextlib.suppress(OSError):
            self._wake_in.send(b"\0")

    def _count_losses(self) -> None:
        losses = self._outbox.losses
        self._registry.raise_to(catalogue.MQTT_DROPPED, self._away + losses.dropped)
        self._registry.raise_to(catalogue.MQTT_REPLACED, losses.replaced)
        self._registry.raise_to(catalogue.MQTT_EXPIRED, losses.expired)

    # Below: on the network thread.

    def _run(self) -> None:
        try:
            while not self._closing:
                try:
                    self._connect_and_serve()
                except Exception as error:
                    # Whatever a broker sends may cost this connection, never the thread.
                    log.debug("mqtt", exc_info=True)
                    self._fail(Failure(f"internal {type(error).__name__}", f"broker {self.address}: {error!r}"))
                    self._wire.cut_off()
                    self._lose_connection()
                wait = self._takeover_wait.wait() if self._taken_over else self._retry.wait()
                self._taken_over = False
                with self._changed:
                    self._changed.wait_for(lambda: self._closing, wait)
        finally:
            self._wire.cut_off()
            self._lose_connection()
            self._wake_in.close()
            self._wake_out.close()

    def _connect_and_serve(self) -> None:
        """One connection from its beginning to its end."""
        self._answered = False
        try:
            self._wire.open(self.address.host, self.address.port, self._keepalive)
        except (OSError, ValueError) as error:
            self._fail(failure.connecting(self.address, error))
            return
        answer_by = time.monotonic() + GREETING_TIMEOUT_S
        while self._wire.socket() is not None:
            if self._closing:
                self._take_leave()
                return
            if not self._answered and time.monotonic() > answer_by:
                self._wire.cut_off()
                self._fail(failure.connecting(self.address, TimeoutError()))
                return
            self._subscribe()
            self._send()
            self._turn(_TURN_S)

    def _turn(self, timeout: float) -> None:
        self._wire.turn(self._wake_out, timeout)
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(4096)

    def _subscribe(self) -> None:
        if not self._connected:
            return
        for route in self._routes.all():
            if route.topic not in self._subscribed:
                self._subscribed[route.topic] = route
                # Under MQTT 5 the broker holds back what is larger than the announced limit, and mosquitto 2.0 then
                # waits for ever for the receipt of a QoS 1 message that it did not send: after twenty of them the
                # device is deaf. A receipt is worth little here: a clean session is never sent anything twice.
                result, mid = self._wire.subscribe(route.topic, 0 if self._v5 else route.qos)
                if result == paho.MQTT_ERR_SUCCESS and mid is not None:
                    self._subscribing[mid] = route.topic

    def _send(self) -> None:
        """Hands paho what may go now."""
        now = time.monotonic()
        idle = self._wire.idle
        with self._changed:
            if not self._connected:
                return
            receipted = self._outbox.take_receipted(now)
            batch = self._outbox.take(now, BATCH_BYTES) if idle else []
            self._count_losses()
        for message in (*receipted, *batch):
            self._hand_over(message)
        if batch:
            self._wire.ping()

    def _hand_over(self, message: Message) -> paho.MQTTMessageInfo | None:
        """Gives one message to paho; None where it did not take it."""
        try:
            info = self._wire.publish(
                message.topic, message.payload, message.qos, message.retain, self._properties(message)
            )
        except Exception as error:
            self._registry.increment(catalogue.MQTT_MESSAGES_FAILED)
            if message.topic not in self._failed_once:
                self._failed_once.add(message.topic)
                log.warning("%s: a message cannot be sent: %s; further ones are only counted", message.topic, error)
                log.debug("%s", message.topic, exc_info=True)
            return None
        sent = info.rc == paho.MQTT_ERR_SUCCESS
        with self._changed:
            self._published += sent
            self._away += not sent
            self._count_losses()
        self._registry.increment(catalogue.MQTT_PUBLISHED, int(sent))
        return info if sent else None

    def _properties(self, message: Message) -> Properties | None:
        if not self._v5 or message.expiry is None:
            return None
        left = message.expiry if message.deadline is None else min(message.expiry, message.deadline - time.monotonic())
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.MessageExpiryInterval = max(1, math.ceil(left))
        return properties

    def _take_leave(self) -> None:
        with self._changed:
            connected, farewell, close_by = self._connected, self._farewell, self._close_by
            now = time.monotonic()
            rest = [*self._outbox.take_receipted(now), *self._outbox.take(now, sys.maxsize)]
            self._count_losses()
        if connected:
            for message in rest:
                self._hand_over(message)
            info = None if farewell is None else self._hand_over(farewell)
            while info is not None and self._wire.socket() is not None and not info.is_published():
                left = close_by - time.monotonic()
                if left <= 0:
                    break
                self._turn(min(left, _TURN_S))
            with self._changed:
                self._farewell_received = info is not None and info.is_published()
        self._wire.disconnect()
        leave_by = time.monotonic() + _DISCONNECT_S
        while self._wire.socket() is not None and time.monotonic() < leave_by:
            self._turn(_DISCONNECT_S / 5)
        self._wire.cut_off()

    def _connack(
        self, _client: paho.Client, _data: Any, _flags: paho.ConnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        self._answered = True
        if reason.is_failure:
            self._fail(failure.refused(self.address, reason))
            return
        self._subscribed.clear()
        self._subscribing.clear()
        with self._changed:
            self._connected = True
            self._connected_at = time.monotonic()
            self._connects += 1
            self._last = None
            say = self._failure_log.connected()
        # Before the first publication, so that whoever sees `online` can be heard.
        self._subscribe()
        if self._on_connected is not None:
            self._on_connected()
        with self._changed:
            self._changed.notify_all()
        self._registry.increment(catalogue.MQTT_CONNECTS)
        (log.info if say else log.debug)("connected to broker %s", self.address)

    def _disconnected(
        self, _client: paho.Client, _data: Any, flags: paho.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        was_connected, held = self._lose_connection()
        if self._closing:
            return
        if not was_connected:
            if not self._answered:
                self._fail(failure.unanswered(self.address))
            return
        if held >= backoff.HEALTHY_S:
            self._retry.reset()
        if held >= backoff.STABLE_S:
            self._takeover_wait.reset()
        name = reason.getName()
        self._taken_over = self._takeovers.closed(
            held, certain=name == "Session taken over", by_peer=name != "Keep alive timeout"
        )
        if self._taken_over:
            self._registry.increment(catalogue.MQTT_TAKEOVERS)
            self._fail(failure.taken_over(self.address, self.client_id))
        else:
            said = name if flags.is_disconnect_packet_from_server else None
            self._fail(failure.lost(self.address, said))

    def _lose_connection(self) -> tuple[bool, float]:
        """Whether there was a connection, and for how many seconds it held."""
        with self._changed:
            was_connected, self._connected = self._connected, False
            held = time.monotonic() - self._connected_at if was_connected else 0.0
            if was_connected:
                self._failure_log.held(held)
            self._outbox.clear()
            self._count_losses()
        return was_connected, held

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        oversized = self._wire.oversized()
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._routes.deliver(Inbound(topic, bytes(message.payload), message.retain, time.monotonic()), oversized)

    def _subscription_answered(
        self, _client: paho.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        topic = self._subscribing.pop(mid, "a topic")
        if any(reason.is_failure for reason in reasons):
            self._fail(failure.no_subscription(self.address, topic))

    def _fail(self, what: Failure) -> None:
        with self._changed:
            self._failures += 1
            self._last = what
            news = self._failure_log.is_news(what.kind) and not self._closing
            self._changed.notify_all()
        self._registry.increment(catalogue.MQTT_INTERRUPTIONS)
        (log.warning if news else log.debug)("%s", what.message)


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except ssl.SSLError as error:
        raise BrokerError(f"mqtt.ca_file {ca_file} holds no certificate in PEM") from error
    except OSError as error:
        raise BrokerError(f"mqtt.ca_file {ca_file}: {error.strerror}") from error
