"""A size limit for incoming packets, enforced before they are held in memory.

paho-mqtt collects a whole packet, up to 256 MB, before it delivers it. MQTT 5 lets a client announce its limit. For
MQTT 3.1.1, and for brokers that ignore the announcement, this module reads the bytes first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

PUBLISH: Final = 0x30
"""First byte of PUBLISH; its low four bits are flags."""

PINGRESP: Final = 0xD0
"""First byte of PINGRESP, the answer to a ping."""

_CHUNK_BYTES: Final = 65536
"""Largest number of discarded bytes that are read at once."""

_CHUNKS_PER_CALL: Final = 64
"""Number of chunks that one call of `recv` discards. Between the calls the connection sends and checks its
keep-alive."""


class PacketLimit:
    """Passes on what `read` returns, but discards the payload of a PUBLISH packet above the limit.

    Such a packet is replaced by an empty one with the same topic and packet identifier. It is acknowledged like any
    other, so that the broker does not send it again and the connection stays up. `oversized` has its size while the
    empty packet is handled.
    """

    def __init__(self, most_bytes: int, *, v5: bool) -> None:
        """`most_bytes`: largest packet in bytes, without its fixed header of two to five bytes. `v5`: MQTT 5."""
        self._most_bytes = most_bytes
        self._v5 = v5
        self.oversized: int | None = None
        """Size in bytes of the packet that was replaced last; None after `taken`."""
        self.pings_answered = 0
        """Number of PINGRESP packets since the connection was made."""
        self._header = bytearray()
        """Bytes of the fixed header received so far."""
        self._start = bytearray()
        """Bytes received so far of an oversized packet that its replacement needs."""
        self._ready = bytearray()
        """Bytes to return before anything else is read."""
        self._body = 0
        """Number of bytes of the current packet that are still to be passed on."""
        self._oversized_length = 0
        """Remaining length of the oversized packet whose start is being read; 0 otherwise."""
        self._discard = 0
        """Number of bytes that are still to be discarded."""

    def taken(self) -> int | None:
        """Returns `oversized` and sets it to None."""
        size, self.oversized = self.oversized, None
        return size

    def recv(self, wanted: int, read: Callable[[int], bytes]) -> bytes:
        """Returns at most `wanted` bytes, and none at the end of the connection.

        Args:
            wanted: number of bytes.
            read: `read(n)` returns at most n bytes, or raises `BlockingIOError` if none have arrived.

        Raises:
            BlockingIOError: no bytes have arrived, or more bytes are to be discarded at the next call.
            ConnectionError: a packet is malformed, or is too large and not PUBLISH.
            OSError: raised by `read`.
        """
        chunks = _CHUNKS_PER_CALL
        while True:
            if self._ready and not self._discard:
                data = bytes(self._ready[:wanted])
                del self._ready[:wanted]
                return data
            if self._body:
                data = read(min(wanted, self._body))
                self._body -= len(data)
                return data
            if self._discard:
                if chunks == 0:
                    raise BlockingIOError
                chunks -= 1
                data = read(min(_CHUNK_BYTES, self._discard))
                self._discard -= len(data)
            elif self._oversized_length:
                data = read(self._missing_of_start())
                self._start += data
                self._replace_oversized()
            else:
                data = read(1)
                self._header += data
                self._parse_header()
            if not data:
                return b""

    def _parse_header(self) -> None:
        """Parses the fixed header: a command byte, then the remaining length in one to four bytes of seven bits."""
        lengths = self._header[1:]
        if not lengths:
            return
        if lengths[-1] & 0x80:
            if len(lengths) == 4:
                raise ConnectionError("the broker sends something that is not MQTT")
            return
        length = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(lengths))
        if length <= self._most_bytes:
            self.pings_answered += self._header[0] == PINGRESP
            self._ready += self._header
            self._body = length
        elif self._header[0] & 0xF0 == PUBLISH:
            self._oversized_length = length
        else:
            raise ConnectionError(f"the broker sends a packet of {length} bytes that is not a message")
        if not self._oversized_length:
            self._header.clear()

    def _missing_of_start(self) -> int:
        """The number of missing bytes of the topic's length, the topic and, above QoS 0, the packet identifier."""
        needed = 2
        if len(self._start) >= 2:
            needed += int.from_bytes(self._start[:2], "big") + (2 if self._header[0] & 0x06 else 0)
        if needed > self._oversized_length:
            raise ConnectionError("the broker sends a malformed message")
        return needed - len(self._start)

    def _replace_oversized(self) -> None:
        """Queues the empty packet once the start of the oversized one is complete."""
        if len(self._start) < 2 or self._missing_of_start():
            return
        body = bytes(self._start) + (b"\0" if self._v5 else b"")
        length = len(body)
        self._ready.append(self._header[0])
        while True:
            self._ready.append((length & 0x7F) | (0x80 if length > 0x7F else 0))
            length >>= 7
            if not length:
                break
        self._ready += body
        self.oversized = self._oversized_length
        self._discard = self._oversized_length - len(self._start)
        self._oversized_length = 0
        self._header.clear()
        self._start.clear()
