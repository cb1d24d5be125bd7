"""paho's client with a size limit for incoming packets and a count of pings. A loop of our own drives it.

The methods that begin with an underscore are private methods of paho-mqtt. Only this file uses them, and the tests
against real brokers show whether they still work.
"""

from __future__ import annotations

import math
import select
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any, Final, cast

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.mqtt.message import Message
from edge.mqtt.packets import PacketLimit

_MAX_FIXED_HEADER: Final = 5
"""Largest size of a fixed header in bytes. MQTT 5 counts the fixed header as part of the packet."""


class Wire(paho.Client):
    """One MQTT client. Only the thread that calls `open` and `turn` may use it."""

    def __init__(self, client_id: str, *, v5: bool, most_bytes: int, connect_timeout: float) -> None:
        """Prepares the client; `open` connects.

        Args:
            client_id: MQTT client identifier.
            v5: speak MQTT 5 instead of MQTT 3.1.1.
            most_bytes: largest accepted packet in bytes, without its fixed header.
            connect_timeout: time limit for the network connection, in seconds.
        """
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5 if v5 else paho.MQTTv311
        )
        self._v5, self._most_bytes = v5, most_bytes
        self._limit = PacketLimit(most_bytes, v5=v5)
        self._pings_sent = 0
        self._write_wanted = False
        self.tls_alert: str | None = None
        """OpenSSL's name of the TLS failure that ended the last connection; None for another end."""
        self.connect_timeout = connect_timeout
        self.on_socket_open = self._reset
        # With these callbacks set, paho leaves all writing to `turn`.
        self.on_socket_register_write = self._register_write
        self.on_socket_unregister_write = self._unregister_write

    def open(self, host: str, port: int, keepalive: int) -> None:
        """Makes the network connection and sends CONNECT.

        Args:
            host: host name or IP address of the broker.
            port: TCP port of the broker.
            keepalive: keep-alive interval in seconds.

        Raises:
            OSError: the network connection cannot be made.
            ValueError: paho does not accept the host.
        """
        if not self._v5:
            self.connect(host, port, keepalive)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = self._most_bytes + _MAX_FIXED_HEADER
        self.connect(host, port, keepalive, clean_start=True, properties=properties)

    def send(self, message: Message) -> paho.MQTTMessageInfo:
        """Publishes a message; under MQTT 5 with its expiry interval. Raises what `paho.Client.publish` raises."""
        properties = None
        if self._v5 and message.expiry is not None:
            left = message.expiry
            if message.deadline is not None:
                left = min(left, message.deadline - time.monotonic())
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, math.ceil(left))
        return self.publish(message.topic, message.payload, message.qos, message.retain, properties)

    def turn(self, wake: socket.socket, timeout: float) -> None:
        """Reads and writes what is possible. Waits at most `timeout` seconds for the network, or until `wake` is
        readable."""
        sock = cast("socket.socket | None", self.socket())
        if sock is None:
            return
        # TLS may hold bytes already read from the network, which `select` does not see.
        pending = bool(getattr(sock, "pending", lambda: 0)())
        writing = [sock] if self._write_wanted or self.want_write() else []
        readable, writable, _ = select.select([sock, wake], writing, [], 0.0 if pending else timeout)
        if sock in readable or pending:
            self.loop_read()
        if sock in writable and self.socket() is not None:
            self.loop_write()
        if self.socket() is not None:
            self.loop_misc()

    def cut_off(self) -> None:
        """Closes the network connection without DISCONNECT, so that the broker publishes the last will."""
        self._sock_close()

    def ping(self) -> None:
        """Sends PINGREQ. The broker answers after it has accepted everything that was sent before."""
        self._send_pingreq()

    @property
    def idle(self) -> bool:
        """Whether everything has been written to the network and the broker has answered every ping."""
        return not self.want_write() and self._limit.pings_answered >= self._pings_sent

    def forget(self, mids: Iterable[int]) -> None:
        """Removes QoS 1 messages that are not acknowledged, so that paho does not repeat them at the next connect.

        `mids`: packet identifiers, as `send` gave them.
        """
        with self._out_message_mutex:
            for mid in mids:
                self._out_messages.pop(mid, None)

    def oversized(self) -> int | None:
        """Within `on_message`: the size in bytes of the message if its payload was discarded; None otherwise."""
        return self._limit.taken()

    def _reset(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._limit = PacketLimit(self._most_bytes, v5=self._v5)
        self._pings_sent = 0
        self._write_wanted = False
        self.tls_alert = None

    def _register_write(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._write_wanted = True

    def _unregister_write(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._write_wanted = False

    # The methods below override private methods of paho.

    def _sock_recv(self, bufsize: int) -> bytes:
        try:
            return self._limit.recv(bufsize, super()._sock_recv)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            # Under TLS 1.3 a broker rejects the device's certificate only after the handshake.
            self.tls_alert = error.reason
            raise

    def _send_pingreq(self) -> MQTTErrorCode:
        # paho's keep-alive calls this method too.
        self._pings_sent += 1
        return super()._send_pingreq()
