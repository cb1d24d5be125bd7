"""paho's client with a limit on what comes in and a count of pings, driven by a loop of our own.

The methods that begin with an underscore are paho-mqtt's own and not part of its interface; this file is the only one
that knows them, and the tests against real brokers show that they still work.
"""

from __future__ import annotations

import select
import socket
from typing import Any, Final, cast

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.mqtt.packets import PacketLimit

_HEADER: Final = 5
"""Most bytes of a fixed header, which MQTT 5 counts as part of a packet."""


class Wire(paho.Client):
    """One client; all of it belongs to the thread that calls `open` and `turn`."""

    def __init__(self, client_id: str, *, v5: bool, most_bytes: int, connect_timeout: float) -> None:
        """`most_bytes`: largest packet that is taken in; `connect_timeout`: seconds."""
        super().__init__(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=paho.MQTTv5 if v5 else paho.MQTTv311
        )
        self._v5, self._most_bytes = v5, most_bytes
        self._limit = PacketLimit(most_bytes, v5=v5)
        self._pings_sent = 0
        self._write_wanted = False
        self.connect_timeout = connect_timeout
        self.on_socket_open = self._opened
        # With these set, paho leaves all writing to `turn`.
        self.on_socket_register_write = self._want_write
        self.on_socket_unregister_write = self._want_no_write

    def open(self, host: str, port: int, keepalive: int) -> None:
        """Makes the network connection and sends the greeting. Raises `OSError`, or `ValueError` for a useless host."""
        if not self._v5:
            self.connect(host, port, keepalive)
            return
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = self._most_bytes + _HEADER
        self.connect(host, port, keepalive, clean_start=True, properties=properties)

    def turn(self, wake: socket.socket, timeout: float) -> None:
        """Reads and writes what there is; waits at most `timeout` seconds, or until `wake` can be read."""
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
        """Closes the network connection without a word; the broker speaks the last will."""
        self._sock_close()

    def ping(self) -> None:
        """Asks the broker for an answer, which comes after it has taken in all that was sent before."""
        self._send_pingreq()

    @property
    def idle(self) -> bool:
        """All that was handed over has been written, and the broker has answered every ping."""
        return not self.want_write() and self._limit.pings_answered >= self._pings_sent

    def oversized(self) -> int | None:
        """Within `on_message`: the size of the message whose payload was thrown away; None for any other."""
        return self._limit.taken()

    def _opened(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._limit = PacketLimit(self._most_bytes, v5=self._v5)
        self._pings_sent = 0
        self._write_wanted = False

    def _want_write(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._write_wanted = True

    def _want_no_write(self, _client: paho.Client, _data: Any, _sock: Any) -> None:
        self._write_wanted = False

    # Below: paho's own methods.

    def _sock_recv(self, bufsize: int) -> bytes:
        return self._limit.recv(bufsize, super()._sock_recv)

    def _send_pingreq(self) -> MQTTErrorCode:
        # paho's keep-alive comes through here, too.
        self._pings_sent += 1
        return super()._send_pingreq()
