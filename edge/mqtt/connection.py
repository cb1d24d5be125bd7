"""One connection to the broker, over paho-mqtt 2. It is made in the background, and made again whenever it breaks.

A thread of its own does everything that touches the network (`edge.mqtt.session`); the other threads only queue
messages and read the state (`edge.mqtt.state`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from edge.errors import BrokerError
from edge.health.registry import Registry
from edge.mqtt.address import Address
from edge.mqtt.durable import DurableOutbox
from edge.mqtt.message import Message, Protocol, Qos, Status
from edge.mqtt.routes import Handler, Route, Routes
from edge.mqtt.session import DISCONNECT_S, Session
from edge.mqtt.state import ConnectionState
from edge.mqtt.tls import TlsFiles

RETRY_MAX_S: Final = 5.0
"""Longest wait between two attempts to connect, in seconds."""

MOST_BYTES_IN: Final = 262_144
"""Size in bytes of the largest packet that is accepted from the broker."""


class Connection:
    """Publishes and subscribes. Only `require_first_connection` and `close` wait for the network."""

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        protocol: Protocol = "3.1.1",
        keepalive: int = 15,
        retry_max: float = RETRY_MAX_S,
        most_bytes_in: int = MOST_BYTES_IN,
        tls: TlsFiles | None = None,
        will: Message | None = None,
        on_connected: Callable[[], None] | None = None,
        durable: DurableOutbox | None = None,
        as_historical: Callable[[bytes], bytes] = lambda payload: payload,
        registry: Registry | None = None,
    ) -> None:
        """Prepares the connection; `start` begins to connect.

        Args:
            address: the broker.
            client_id: MQTT client identifier. A second client with the same identifier takes the session over.
            protocol: version of MQTT.
            keepalive: keep-alive interval in seconds. The broker publishes the last will after a silence of one and a
                half times this interval.
            retry_max: longest wait between two attempts to connect, in seconds.
            most_bytes_in: largest accepted packet in bytes. The payload of a larger one is discarded while it is
                received.
            tls: PEM files for TLS; None for the authorities of the system and no certificate of its own.
            will: last will, which the broker publishes when this client disappears without disconnecting.
            on_connected: called on the network thread after every connect. What it publishes is sent first.
            durable: keeps the messages of `publish_durably` until the broker has acknowledged them; None for none.
            as_historical: changes the payload of a message from `durable` that is sent late or after a restart.
            registry: holds the counters.

        Raises:
            BrokerError: a file of `tls` cannot be used.
        """
        self.address = address
        self.client_id = client_id
        registry = Registry() if registry is None else registry
        self._durable = durable
        self._state = ConnectionState(registry)
        self._routes = Routes(registry)
        self._session = Session(
            address,
            client_id,
            self._state,
            self._routes,
            protocol=protocol,
            keepalive=keepalive,
            retry_max=retry_max,
            most_bytes_in=most_bytes_in,
            tls=TlsFiles() if tls is None else tls,
            will=will,
            on_connected=on_connected,
            durable=durable,
            as_historical=as_historical,
            registry=registry,
        )
        self._thread = threading.Thread(target=self._session.run, name=f"mqtt {client_id}", daemon=True)

    def on(self, topic: str, handler: Handler, *, qos: Qos = 0, accept_retained: bool = False) -> None:
        """Subscribes to `topic` now and after every later connect.

        Args:
            topic: MQTT topic filter, which may contain wildcards.
            handler: receives each message on the network thread, and must not block it. Its exceptions are counted.
            qos: highest quality of service for delivery under MQTT 3.1.1. Under MQTT 5 it is always 0.
            accept_retained: deliver retained messages too; otherwise they are only counted.

        Raises:
            ValueError: the topic already has a handler.
        """
        self._routes.add(Route(topic, handler, qos, accept_retained))
        self._session.wake()

    def start(self) -> None:
        """Begins to connect in the background, and keeps trying until `close`."""
        self._thread.start()

    def require_first_connection(self, timeout: float) -> None:
        """Waits at most `timeout` seconds for the first connection.

        Raises:
            BrokerError: there is still no connection. Raised at once where trying again cannot help, such as after a
                wrong password.
        """
        connected, failure = self._state.wait_for_first_connection(timeout)
        if not connected:
            raise BrokerError(failure.message if failure else f"broker {self.address}: no answer")

    def publish(self, message: Message) -> bool:
        """Queues a message for the network thread.

        Returns:
            False if the message was dropped, because the connection is down, the deadline of the message has passed or
            the queue is full. Nothing is kept for a later connection.
        """
        queued, wake = self._state.put(message)
        if wake:
            self._session.wake()
        return queued

    def publish_durably(self, topic: str, payload: bytes) -> bool:
        """Stores a QoS 1 message in the outbox on disk, from where it is sent as soon as a broker is there.

        Waits for the disk. The message can arrive twice after a restart or a broken connection.

        Returns:
            False if the message is too long for the outbox.

        Raises:
            ValueError: the connection was made without a durable outbox.
        """
        if self._durable is None:
            raise ValueError("this connection has no durable outbox")
        stored = self._durable.put(topic, payload)
        self._session.wake()
        return stored

    def status(self) -> Status:
        """The state of the connection now."""
        return self._state.status(alive=self._thread.is_alive())

    def close(self, farewell: Message | None = None, timeout: float = 3.0) -> bool:
        """Sends `farewell`, waits at most `timeout` seconds for the broker's receipt, and disconnects so that the
        broker does not publish the last will. A second call does nothing.

        Returns:
            True if the broker acknowledged the farewell.
        """
        if not self._state.request_close(farewell, timeout):
            return False
        if self._thread.ident is None:
            return False
        self._session.wake()
        # An unreachable host or name server can prolong a connect in progress; the thread then ends with the process.
        self._thread.join(timeout + 2 * DISCONNECT_S)
        return self._state.closed()
