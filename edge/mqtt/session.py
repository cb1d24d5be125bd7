"""The network thread of a connection: connects, subscribes, sends and receives, and connects again after a failure.

What is to be published waits in the outbox until the broker has accepted what was sent before: a ping follows each
batch of QoS 0 messages, and the next batch is sent only after its answer. So a broker or a link that stalls holds
messages back where newer ones replace them. In the buffers of the operating system they would grow old and still be
delivered.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, Final

from paho.mqtt import client as paho
from paho.mqtt.reasoncodes import ReasonCode

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt import backoff, failure
from edge.mqtt.address import Address
from edge.mqtt.backoff import Backoff, Takeovers
from edge.mqtt.durable import DurableOutbox
from edge.mqtt.failure import Failure
from edge.mqtt.message import Inbound, Message, Protocol
from edge.mqtt.outbox import RECEIPTED
from edge.mqtt.routes import Route, Routes
from edge.mqtt.state import ConnectionState
from edge.mqtt.tls import TlsFiles
from edge.mqtt.wire import Wire

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S: Final = 5.0
"""Time limit for the network connection, in seconds."""

CONNACK_TIMEOUT_S: Final = 15.0
"""Time limit for the broker's CONNACK in seconds, unless the keep-alive interval is shorter."""

BATCH_BYTES: Final = 2048
"""Total payload of the QoS 0 messages that are sent before the broker has to answer a ping. One state is about 1 kB; a
link of 2 kB/s needs a second for the batch."""

DISCONNECT_S: Final = 0.5
"""Time limit for sending the DISCONNECT packet, in seconds."""

IN_FLIGHT: Final = 10
"""Largest number of messages of the durable outbox that wait for the broker's acknowledgement at once."""

_SELECT_TIMEOUT_S: Final = 1.0
"""Longest wait for the network, in seconds, before the keep-alive is checked."""


class Session:
    """Runs on the network thread; other threads call only `wake`."""

    def __init__(
        self,
        address: Address,
        client_id: str,
        state: ConnectionState,
        routes: Routes,
        *,
        protocol: Protocol,
        keepalive: int,
        retry_max: float,
        most_bytes_in: int,
        tls: TlsFiles,
        will: Message | None,
        on_connected: Callable[[], None] | None,
        durable: DurableOutbox | None,
        as_historical: Callable[[bytes], bytes],
        registry: Registry,
    ) -> None:
        """Prepares the session; `run` begins to connect. Arguments not listed here are those of `Connection`.

        Args:
            state: shared with the threads that publish.
            routes: the subscriptions.

        Raises:
            BrokerError: a file of `tls` cannot be used.
        """
        self._address = address
        self._client_id = client_id
        self._state = state
        self._routes = routes
        self._v5 = protocol == "5"
        self._keepalive = keepalive
        self._on_connected = on_connected
        self._registry = registry
        self._retry = Backoff(min(backoff.FIRST_S, retry_max), retry_max)
        self._takeovers = Takeovers()
        self._takeover_wait = Backoff(backoff.FIRST_S, backoff.TAKEOVER_MAX_S, jitter=0.5)
        self._connack_received = False
        self._taken_over = False
        self._subscribed: dict[str, Route] = {}
        self._awaiting_suback: dict[int, str] = {}
        self._failed_topics: set[str] = set()
        self._durable = durable
        self._as_historical = as_historical
        self._in_flight: dict[int, int] = {}
        """MQTT packet identifier → number in the durable outbox, for the messages without acknowledgement so far."""
        self._last_taken = 0
        """Number of the newest message that this process has taken from the durable outbox."""

        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._wire = self._make_wire(will, tls, most_bytes_in)

    def _make_wire(self, will: Message | None, tls: TlsFiles, most_bytes_in: int) -> Wire:
        wire = Wire(self._client_id, v5=self._v5, most_bytes=most_bytes_in, connect_timeout=CONNECT_TIMEOUT_S)
        wire.max_queued_messages_set(RECEIPTED)
        if self._address.username is not None:
            wire.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            wire.tls_set_context(tls.context())
        if will is not None:
            wire.will_set(will.topic, will.payload, will.qos, will.retain)
        wire.on_connect = self._on_connack
        wire.on_disconnect = self._on_disconnect
        wire.on_message = self._on_message
        wire.on_subscribe = self._on_suback
        wire.on_publish = self._on_acknowledged
        return wire

    def wake(self) -> None:
        """Interrupts the thread's wait for the network. Any thread may call this."""
        # A full pipe wakes the thread anyway, and a closed one means that the thread has ended.
        with contextlib.suppress(OSError):
            self._wake_in.send(b"\0")

    def run(self) -> None:
        """Connects, again and again, until `close` is requested. The target of the network thread."""
        try:
            while not self._state.closing:
                try:
                    self._connect_and_serve()
                except Exception as error:
                    # Whatever a broker sends may cost this connection, never the thread.
                    log.debug("mqtt", exc_info=True)
                    self._fail(Failure(f"internal {type(error).__name__}", f"broker {self._address}: {error!r}"))
                    self._wire.cut_off()
                    self._state.record_disconnect()
                wait = self._takeover_wait.wait() if self._taken_over else self._retry.wait()
                self._taken_over = False
                self._state.wait_for_close(wait)
        finally:
            self._wire.cut_off()
            self._state.record_disconnect()
            self._wake_in.close()
            self._wake_out.close()

    def _connect_and_serve(self) -> None:
        """Serves one connection from the attempt to connect until it ends."""
        self._connack_received = False
        try:
            self._wire.open(self._address.host, self._address.port, self._keepalive)
        except (OSError, ValueError) as error:
            self._fail(failure.connecting(self._address, error))
            return
        connack_deadline = time.monotonic() + CONNACK_TIMEOUT_S
        while self._wire.socket() is not None:
            if self._state.closing:
                self._disconnect()
                return
            if not self._connack_received and time.monotonic() > connack_deadline:
                self._wire.cut_off()
                self._fail(failure.connecting(self._address, TimeoutError()))
                return
            self._subscribe()
            self._send()
            self._turn(_SELECT_TIMEOUT_S)

    def _turn(self, timeout: float) -> None:
        self._wire.turn(self._wake_out, timeout)
        with contextlib.suppress(BlockingIOError):
            self._wake_out.recv(4096)

    def _subscribe(self) -> None:
        if not self._state.connected:
            return
        for route in self._routes.all():
            if route.topic not in self._subscribed:
                self._subscribed[route.topic] = route
                # Under MQTT 5 the broker withholds messages above the announced limit, and mosquitto 2.0 then waits
                # for ever for the receipt of a QoS 1 message that it did not send: after twenty of them the device
                # receives nothing any more. Receipts are of little use here, since a clean session never gets a
                # message twice.
                result, mid = self._wire.subscribe(route.topic, 0 if self._v5 else route.qos)
                if result == paho.MQTT_ERR_SUCCESS and mid is not None:
                    self._awaiting_suback[mid] = route.topic

    def _send(self) -> None:
        """Hands the messages to paho that may be sent now."""
        qos1, qos0 = self._state.take_batch(time.monotonic(), BATCH_BYTES if self._wire.idle else 0)
        for message in (*qos1, *qos0):
            self._send_message(message)
        if qos0:
            self._wire.ping()
        if self._durable is not None and self._state.connected:
            self._send_durable(self._durable)

    def _send_durable(self, durable: DurableOutbox) -> None:
        """Hands the next messages of the outbox on disk to paho, which repeats them until they are acknowledged."""
        for entry in durable.next(self._last_taken, IN_FLIGHT - len(self._in_flight)):
            payload = self._as_historical(entry.payload) if entry.historical else entry.payload
            info = self._send_message(Message(entry.topic, payload, qos=1))
            if info is None:
                return
            self._last_taken = entry.number
            self._in_flight[info.mid] = entry.number

    def _take_back(self) -> None:
        """Takes unacknowledged messages back from paho, so that they are sent again from the outbox, as historical."""
        self._wire.forget(self._in_flight)
        self._in_flight.clear()
        self._last_taken = 0

    def _send_message(self, message: Message) -> paho.MQTTMessageInfo | None:
        """Hands one message to paho; returns None if paho did not accept it."""
        try:
            info = self._wire.send(message)
        except Exception as error:
            self._registry.increment(catalogue.MQTT_MESSAGES_FAILED)
            if message.topic not in self._failed_topics:
                self._failed_topics.add(message.topic)
                log.warning("%s: a message cannot be sent: %s; further ones are only counted", message.topic, error)
                log.debug("%s", message.topic, exc_info=True)
            return None
        sent = info.rc == paho.MQTT_ERR_SUCCESS
        self._state.record_sent(sent)
        self._registry.increment(catalogue.MQTT_PUBLISHED, int(sent))
        return info if sent else None

    def _disconnect(self) -> None:
        """Sends the waiting messages and the farewell, then disconnects."""
        farewell = self._state.take_farewell(time.monotonic())
        if farewell.connected:
            for message in farewell.rest:
                self._send_message(message)
            if self._durable is not None:
                self._send_durable(self._durable)
            info = None if farewell.message is None else self._send_message(farewell.message)
            while info is not None and self._wire.socket() is not None and not info.is_published():
                left = farewell.deadline - time.monotonic()
                if left <= 0:
                    break
                self._turn(min(left, _SELECT_TIMEOUT_S))
            self._state.record_farewell(info is not None and info.is_published())
        self._wire.disconnect()
        deadline = time.monotonic() + DISCONNECT_S
        while self._wire.socket() is not None and time.monotonic() < deadline:
            self._turn(DISCONNECT_S / 5)
        self._wire.cut_off()

    def _on_connack(
        self, _client: paho.Client, _data: Any, _flags: paho.ConnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        self._connack_received = True
        if reason.is_failure:
            self._fail(failure.refused(self._address, reason))
            return
        self._subscribed.clear()
        self._awaiting_suback.clear()
        news = self._state.record_connect()
        # Subscribe before the first publication: whoever sees `online` may send at once.
        self._subscribe()
        if self._on_connected is not None:
            self._on_connected()
        self._state.announce_connect()
        self._registry.increment(catalogue.MQTT_CONNECTS)
        (log.info if news else log.debug)("connected to broker %s", self._address)

    def _on_disconnect(
        self, _client: paho.Client, _data: Any, flags: paho.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        was_connected, held = self._state.record_disconnect()
        self._take_back()
        if self._state.closing:
            return
        if not was_connected:
            if not self._connack_received:
                self._fail(failure.unanswered(self._address, self._wire.tls_alert))
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
            self._fail(failure.taken_over(self._address, self._client_id))
        else:
            self._fail(failure.lost(self._address, name if flags.is_disconnect_packet_from_server else None))

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        oversized = self._wire.oversized()
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._routes.deliver(Inbound(topic, bytes(message.payload), message.retain, time.monotonic()), oversized)

    def _on_suback(
        self, _client: paho.Client, _data: Any, mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        topic = self._awaiting_suback.pop(mid, "a topic")
        if any(reason.is_failure for reason in reasons):
            self._fail(failure.no_subscription(self._address, topic))

    def _on_acknowledged(
        self, _client: paho.Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any
    ) -> None:
        number = self._in_flight.pop(mid, None)
        if number is None or self._durable is None:
            return
        if reason.is_failure:
            # The message stays in the outbox, and the next connection tries again: a quota or an access list may have
            # changed by then.
            self._registry.increment(catalogue.MQTT_MESSAGES_FAILED)
            self._fail(failure.not_accepted(self._address, reason))
        else:
            self._durable.acknowledge(number)

    def _fail(self, cause: Failure) -> None:
        news = self._state.record_failure(cause)
        self._registry.increment(catalogue.MQTT_INTERRUPTIONS)
        (log.warning if news else log.debug)("%s", cause.message)
