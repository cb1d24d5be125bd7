"""One connection to the broker, over paho-mqtt 2: made in the background, and made again whenever it breaks."""

from __future__ import annotations

import logging
import math
import ssl
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.errors import BrokerError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt import failure
from edge.mqtt.address import Address
from edge.mqtt.failure import Failure

log = logging.getLogger(__name__)

Protocol: TypeAlias = Literal["5", "3.1.1"]

RETRY_S: Final = (1, 30)
"""First and longest wait between two attempts; it doubles in between."""

CONNECT_TIMEOUT_S: Final = 5.0

UNSENT: Final = 64
"""QoS 0 messages that may wait for a slow network; more are dropped and counted, for a newer one is on its way."""

QUEUED: Final = 100
"""QoS 1 messages that may wait for the broker's receipt."""

STABLE_S: Final = 60.0
"""A connection that held so long makes every failure news again."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish."""

    topic: str
    payload: bytes
    qos: Literal[0, 1] = 0
    retain: bool = False
    expiry: float | None = None
    """Seconds after which a broker should forget it; told with MQTT 5 only."""


@dataclass(frozen=True, slots=True)
class Status:
    """How the connection is doing."""

    connected: bool
    last_error: str | None
    """What went wrong last; None while nothing has, or since the last connect."""
    connects: int
    failures: int
    """Attempts that failed and connections that broke."""
    published: int
    dropped: int
    """Messages not sent because the broker was away or slow."""
    alive: bool
    """The network thread runs."""


class Connection:
    """Publishes and subscribes; no method waits for the network but `require_first_connection` and `close`."""

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        protocol: Protocol = "3.1.1",
        keepalive: int = 15,
        ca_file: Path | None = None,
        will: Message | None = None,
        on_connected: Callable[[], None] | None = None,
        on_message: Callable[[str, bytes], None] | None = None,
        registry: Registry | None = None,
    ) -> None:
        """`keepalive`: seconds. `on_connected` runs on the network thread at every connect, and there publishes and
        subscribes; `on_message(topic, payload)` runs there too. Raises `BrokerError` when `ca_file` is of no use."""
        self.address = address
        self._v5 = protocol == "5"
        self._on_connected = on_connected
        self._on_message = on_message
        self._registry = registry or Registry()
        self._registry.increment(catalogue.MQTT_DROPPED, 0)
        self._changed = threading.Condition()
        # All below is guarded by `_changed`.
        self._connected = False
        self._connected_at = 0.0
        self._connects = 0
        self._failures = 0
        self._published = 0
        self._dropped = 0
        self._last: Failure | None = None
        self._told: set[str] = set()
        self._tell_connect = True
        self._answered = False
        self._closing = False
        self._started = False
        self._unsent: deque[paho.MQTTMessageInfo] = deque()

        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5 if self._v5 else paho.MQTTv311
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.reconnect_delay_set(*RETRY_S)
        client.max_queued_messages_set(QUEUED)
        if address.username is not None:
            client.username_pw_set(address.username, address.password)
        if address.tls:
            client.tls_set_context(_tls(ca_file))
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        client.on_connect = self._connack
        client.on_connect_fail = self._connect_failed
        client.on_disconnect = self._disconnected
        client.on_message = self._received
        client.on_subscribe = self._subscribed
        clean = True if self._v5 else paho.MQTT_CLEAN_START_FIRST_ONLY
        client.connect_async(address.host, address.port, keepalive, clean_start=clean)
        self._client = client

    def start(self) -> None:
        """Begins to connect, and goes on trying until `close`."""
        self._started = True
        self._client.loop_start()

    def require_first_connection(self, timeout: float) -> None:
        """Waits for the first connection, at most `timeout` seconds. Raises `BrokerError` with the reason: at once
        where trying again cannot help, such as with a wrong password."""
        with self._changed:
            self._changed.wait_for(lambda: self._connects or (self._last and self._last.permanent), timeout)
            if not self._connects:
                raise BrokerError(self._last.message if self._last else f"broker {self.address}: no answer")

    def publish(self, message: Message) -> bool:
        """Hands a message to the network thread; False when it was dropped instead, because the broker is away or the
        network too slow. Nothing is kept for later: a state is old by then."""
        properties = None
        if self._v5 and message.expiry is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, math.ceil(message.expiry))
        with self._changed:
            while self._unsent and _done(self._unsent[0]):
                self._unsent.popleft()
            # Left to itself, paho queues QoS 0 without limit while the network stalls.
            if not self._connected or (message.qos == 0 and len(self._unsent) >= UNSENT):
                return self._drop()
            info = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)
            if info.rc != paho.MQTT_ERR_SUCCESS:
                return self._drop()
            if message.qos == 0:
                self._unsent.append(info)
            self._published += 1
        self._registry.increment(catalogue.MQTT_PUBLISHED)
        return True

    def subscribe(self, topic: str, qos: Literal[0, 1] = 0) -> None:
        """To be called by `on_connected`: a subscription does not outlive the connection."""
        self._client.subscribe(topic, qos)

    def status(self) -> Status:
        """How the connection is doing now."""
        with self._changed:
            thread = self._client._thread
            return Status(
                connected=self._connected,
                last_error=None if self._last is None else self._last.message,
                connects=self._connects,
                failures=self._failures,
                published=self._published,
                dropped=self._dropped,
                alive=thread is not None and thread.is_alive(),
            )

    def close(self, farewell: Message | None = None, timeout: float = 3.0) -> bool:
        """Sends `farewell`, waits at most `timeout` seconds for the broker's receipt, and disconnects without the last
        will. True when the farewell was received. Harmless when called twice."""
        deadline = time.monotonic() + timeout
        with self._changed:
            first, self._closing = not self._closing, True
            info = None
            if first and self._connected and farewell is not None:
                info = self._client.publish(farewell.topic, farewell.payload, 1, farewell.retain)
        if not first or not self._started:
            return False
        received = info is not None and _wait(info, deadline)
        self._client.disconnect()
        # paho's own stop waits for a connect in progress, which a dead host or name server can draw out.
        stop = threading.Thread(target=self._client.loop_stop, name="mqtt-stop", daemon=True)
        stop.start()
        stop.join(max(1.5, deadline - time.monotonic()))
        with self._changed:
            self._connected = False
        return received

    def _drop(self) -> bool:
        self._dropped += 1
        self._registry.increment(catalogue.MQTT_DROPPED)
        return False

    # Below: on paho's network thread.

    def _connack(
        self, client: paho.Client, _data: Any, _flags: paho.ConnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        if reason.is_failure:
            self._answered = True
            self._fail(failure.refused(self.address, reason))
            return
        with self._changed:
            if self._closing:
                return
            self._answered = True
            self._connected = True
            self._connected_at = time.monotonic()
            self._connects += 1
            self._last = None
            self._unsent.clear()
            tell, self._tell_connect = self._tell_connect, False
            if self._on_connected is not None:
                # Under the lock, so that `close` cannot say farewell between two of its messages.
                self._on_connected()
            self._changed.notify_all()
        self._registry.increment(catalogue.MQTT_CONNECTS)
        (log.info if tell else log.debug)("connected to broker %s", self.address)

    def _connect_failed(self, _client: paho.Client, _data: Any) -> None:
        # paho does not hand over the reason, but calls this while it handles it.
        error = sys.exception()
        self._fail(failure.connecting(self.address, error or OSError("no connection")))

    def _disconnected(
        self, _client: paho.Client, _data: Any, _flags: paho.DisconnectFlags, reason: ReasonCode, _properties: Any
    ) -> None:
        with self._changed:
            was_connected, self._connected = self._connected, False
            answered, self._answered = self._answered, False
            held = time.monotonic() - self._connected_at
            if was_connected and held >= STABLE_S:
                self._told.clear()
            closing = self._closing
        if closing:
            return
        if was_connected:
            self._fail(failure.lost(self.address, reason, held))
        elif not answered:
            self._fail(failure.unanswered(self.address))

    def _received(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if self._on_message is not None:
            self._on_message(message.topic, bytes(message.payload))

    def _subscribed(
        self, _client: paho.Client, _data: Any, _mid: int, reasons: list[ReasonCode], _properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._fail(Failure("subscription", f"broker {self.address} refuses a subscription; check its access rules"))

    def _fail(self, what: Failure) -> None:
        with self._changed:
            self._failures += 1
            self._last = what
            news = what.kind not in self._told and not self._closing
            self._told.add(what.kind)
            self._tell_connect = self._tell_connect or news
            self._changed.notify_all()
        self._registry.increment(catalogue.MQTT_INTERRUPTIONS)
        (log.warning if news else log.debug)("%s", what.message)


def _done(info: paho.MQTTMessageInfo) -> bool:
    # `is_published` raises for a message that was lost with its connection.
    return info.rc != paho.MQTT_ERR_SUCCESS or info.is_published()


def _wait(info: paho.MQTTMessageInfo, deadline: float) -> bool:
    if info.rc != paho.MQTT_ERR_SUCCESS:
        return False
    info.wait_for_publish(max(0.01, deadline - time.monotonic()))
    return info.is_published()


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except ssl.SSLError as error:
        raise BrokerError(f"mqtt.ca_file {ca_file} holds no certificate in PEM") from error
    except OSError as error:
        raise BrokerError(f"mqtt.ca_file {ca_file}: {error.strerror}") from error
