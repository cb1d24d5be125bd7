"""The border of packets in what a broker sends: none larger than a limit ever reaches the memory.

paho-mqtt collects a whole packet, up to 256 MB, before it hands it over. MQTT 5 lets a client announce its limit; for
MQTT 3.1.1, and for brokers that ignore the announcement, the bytes are read here first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

PUBLISH: Final = 0x30
PINGRESP: Final = 0xD0

_CHUNK: Final = 65536
_CHUNKS: Final = 64
"""Chunks thrown away at a time: between them the connection sends, and looks after its keep-alive."""


class PacketLimit:
    """Hands on what `read` gives, except the bodies of publications above a limit, which are read and thrown away.

    In place of such a publication comes an empty one with the same topic and packet identifier, so that it is
    acknowledged like any other: the sender is not served again, and the connection stays up. `oversized` says so while
    the empty one is handled.
    """

    def __init__(self, most_bytes: int, *, v5: bool) -> None:
        """`most_bytes`: largest packet, not counting its fixed header of two to five bytes."""
        self._most_bytes = most_bytes
        self._v5 = v5
        self.oversized: int | None = None
        """Bytes of the publication whose empty stand-in was handed on last; None after `taken`."""
        self.pings_answered = 0
        self._header = bytearray()
        self._start = bytearray()
        self._ready = bytearray()
        self._body = 0
        self._cut = 0
        self._discard = 0

    def taken(self) -> int | None:
        """`oversized`, once."""
        size, self.oversized = self.oversized, None
        return size

    def recv(self, wanted: int, read: Callable[[int], bytes]) -> bytes:
        """At most `wanted` bytes; empty at the end of the connection.

        `read(n)` gives at most n bytes, or raises `BlockingIOError` when none are there. Raises what `read` raises, and
        `ConnectionError` for an oversized packet that is not a publication.
        """
        chunks = _CHUNKS
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
                data = read(min(_CHUNK, self._discard))
                self._discard -= len(data)
            elif self._cut:
                data = read(self._missing_of_start())
                self._start += data
                self._stand_in()
            else:
                data = read(1)
                self._header += data
                self._begin()
            if not data:
                return b""

    def _begin(self) -> None:
        """Looks at the fixed header: command, then the remaining length in one to four bytes of seven bits."""
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
            self._cut = length
        else:
            raise ConnectionError(f"the broker sends a packet of {length} bytes that is not a message")
        if not self._cut:
            self._header.clear()

    def _missing_of_start(self) -> int:
        """Bytes still missing of the topic's length, the topic and, above QoS 0, the packet identifier."""
        needed = 2
        if len(self._start) >= 2:
            needed += int.from_bytes(self._start[:2], "big") + (2 if self._header[0] & 0x06 else 0)
        if needed > self._cut:
            raise ConnectionError("the broker sends a malformed message")
        return needed - len(self._start)

    def _stand_in(self) -> None:
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
        self.oversized = self._cut
        self._discard = self._cut - len(self._start)
        self._cut = 0
        self._header.clear()
        self._start.clear()
