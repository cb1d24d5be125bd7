"""The limit on inbound packets, byte by byte."""

from __future__ import annotations

import random

import pytest

from edge.mqtt.packets import PINGRESP, PacketLimit


def packet(command: int, body: bytes) -> bytes:
    length, head = len(body), bytearray([command])
    while True:
        head.append((length & 0x7F) | (0x80 if length > 0x7F else 0))
        length >>= 7
        if not length:
            return bytes(head) + body


def publication(topic: str, payload: bytes, *, qos: int = 0, v5: bool = False) -> bytes:
    name = topic.encode()
    identifier = b"\x12\x34" if qos else b""
    return packet(0x30 | qos << 1, len(name).to_bytes(2, "big") + name + identifier + (b"\0" if v5 else b"") + payload)


class Wire:
    """Gives a stream in pieces of random size, with pauses."""

    def __init__(self, stream: bytes, seed: int) -> None:
        self._stream, self._random = bytearray(stream), random.Random(seed)
        self.largest = 0

    def read(self, wanted: int) -> bytes:
        if self._stream and self._random.random() < 0.3:
            raise BlockingIOError
        count = self._random.randint(1, wanted)
        data = bytes(self._stream[:count])
        del self._stream[:count]
        self.largest = max(self.largest, len(data))
        return data


def everything(limit: PacketLimit, wire: Wire) -> tuple[bytes, list[int]]:
    out = bytearray()
    sizes: list[int] = []
    while True:
        try:
            data = limit.recv(wire._random.randint(1, 3000), wire.read)
        except BlockingIOError:
            continue
        if not data:
            return bytes(out), sizes
        out += data
        size = limit.taken()
        if size is not None:
            sizes.append(size)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("v5", [False, True])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_small_packets_pass_unchanged_and_large_ones_lose_their_payload(seed: int, v5: bool, qos: int) -> None:
    small = [publication("a/b", b"x" * size, qos=qos, v5=v5) for size in (0, 1, 120, 127, 128, 900)]
    large = publication("words/transcript", b"x" * 300_000, qos=qos, v5=v5)
    stand_in = publication("words/transcript", b"", qos=qos, v5=v5)
    stream = b"".join([small[0], large, *small[1:4], packet(PINGRESP, b""), large, large, *small[4:]])
    wanted = b"".join([small[0], stand_in, *small[1:4], packet(PINGRESP, b""), stand_in, stand_in, *small[4:]])
    limit = PacketLimit(1000, v5=v5)
    out, sizes = everything(limit, Wire(stream, seed))
    assert out == wanted
    assert sizes == [len(large) - 4] * 3
    assert limit.pings_answered == 1


def test_the_limit_itself_still_passes() -> None:
    exact, above = packet(0x30, b"\0\1a" + b"x" * 997), packet(0x30, b"\0\1a" + b"x" * 998)
    out, sizes = everything(PacketLimit(1000, v5=False), Wire(exact + above, 1))
    assert out == exact + packet(0x30, b"\0\1a")
    assert sizes == [1001]


def test_no_more_than_a_chunk_is_held() -> None:
    wire = Wire(publication("t", b"x" * 3_000_000), 2)
    everything(PacketLimit(1000, v5=False), wire)
    assert wire.largest <= 65536


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (packet(0x90, b"x" * 2000), "not a message"),
        (packet(0x30, b"\xff\xff" + b"x" * 2000), "malformed"),
        (b"\x30\xff\xff\xff\xff\x7f", "not MQTT"),
    ],
)
def test_an_invalid_packet_ends_the_connection(stream: bytes, said: str) -> None:
    with pytest.raises(ConnectionError, match=said):
        everything(PacketLimit(1000, v5=False), Wire(stream, 3))


@pytest.mark.parametrize("cut", [1, 2, 4, 30, 5000])
def test_a_connection_that_ends_in_between_ends(cut: int) -> None:
    out, _ = everything(PacketLimit(1000, v5=False), Wire(publication("topic", b"x" * 9000)[:cut], 4))
    assert out == b""


def test_a_long_flood_leaves_time_for_the_keep_alive() -> None:
    stream = bytearray(publication("t", b"x" * 20_000_000))

    def read(wanted: int) -> bytes:
        data = bytes(stream[:wanted])
        del stream[:wanted]
        return data

    with pytest.raises(BlockingIOError):
        PacketLimit(1000, v5=False).recv(1, read)
    assert stream
