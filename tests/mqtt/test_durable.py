"""The outbox on disk: nothing is lost over a kill, a corrupt file, a full disk or a step of the clock."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.health import catalogue
from edge.health.registry import Registry
from edge.mqtt.durable import FRESH_S, MAX_PAYLOAD, DurableOutbox


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Box:
    """An outbox with clocks that a test sets."""

    def __init__(self, path: Path | None, *, max_messages: int = 100, max_age_s: float = 3600.0) -> None:
        self.registry, self.wall, self.clock = Registry(), Clock(), Clock()
        self.outbox = DurableOutbox(
            path,
            self.registry,
            max_messages=max_messages,
            max_age_s=max_age_s,
            wall_clock=self.wall,
            clock=self.clock,
        )

    def payloads(self) -> list[str]:
        return [entry.payload.decode() for entry in self.outbox.next(0, 1000)]

    def count(self, counter: object) -> float:
        snapshot = self.registry.snapshot()
        return {**snapshot.counters, **snapshot.gauges}[counter]  # type: ignore[dict-item, misc]


def test_messages_wait_in_order_until_they_are_acknowledged(tmp_path: Path) -> None:
    box = Box(tmp_path / "outbox.db")
    for i in range(5):
        assert box.outbox.put("t", f"{i}".encode())
    entries = box.outbox.next(0, 3)
    assert [entry.payload for entry in entries] == [b"0", b"1", b"2"]
    assert {entry.topic for entry in entries} == {"t"}
    assert box.outbox.next(0, 0) == ()
    box.outbox.acknowledge(entries[1].number)
    box.outbox.acknowledge(entries[1].number)
    assert box.payloads() == ["0", "2", "3", "4"]
    assert [entry.payload for entry in box.outbox.next(entries[2].number, 9)] == [b"3", b"4"]
    assert len(box.outbox) == 4
    assert box.count(catalogue.MQTT_OUTBOX_WAITING) == 4
    assert box.count(catalogue.MQTT_OUTBOX_LOST) == 0


def test_the_next_process_finds_them_as_historical(tmp_path: Path) -> None:
    first = Box(tmp_path / "outbox.db")
    first.outbox.put("t", b"before")
    assert not first.outbox.next(0, 1)[0].historical
    first.outbox.close()
    second = Box(tmp_path / "outbox.db")
    second.outbox.put("t", b"after")
    assert [(entry.payload, entry.historical) for entry in second.outbox.next(0, 9)] == [
        (b"before", True),
        (b"after", False),
    ]
    assert second.count(catalogue.MQTT_OUTBOX_WAITING) == 2


def test_a_message_becomes_historical_with_age(tmp_path: Path) -> None:
    box = Box(tmp_path / "outbox.db")
    box.outbox.put("t", b"a")
    box.clock.now += FRESH_S
    assert not box.outbox.next(0, 1)[0].historical
    box.clock.now += 0.001
    assert box.outbox.next(0, 1)[0].historical
    # A later message, at which the stale times are forgotten, does not make it fresh again.
    box.outbox.put("t", b"b")
    assert [entry.historical for entry in box.outbox.next(0, 9)] == [True, False]


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    box = Box(tmp_path / "outbox.db")
    box.outbox.put("t", b"a")
    last = box.outbox.next(0, 1)[0].number
    box.outbox.acknowledge(last)
    box.outbox.close()
    again = Box(tmp_path / "outbox.db")
    again.outbox.put("t", b"b")
    assert again.outbox.next(0, 1)[0].number > last


def test_size_and_age_are_bounded_and_counted(tmp_path: Path) -> None:
    box = Box(tmp_path / "outbox.db", max_messages=3, max_age_s=60.0)
    for i in range(5):
        box.outbox.put("t", f"{i}".encode())
    assert box.payloads() == ["2", "3", "4"]
    assert box.count(catalogue.MQTT_OUTBOX_LOST) == 2
    box.wall.now += 30
    box.outbox.put("t", b"young")
    assert box.payloads() == ["3", "4", "young"]
    box.wall.now += 30.5
    assert box.payloads() == ["young"]
    assert box.count(catalogue.MQTT_OUTBOX_LOST) == 5
    assert not box.outbox.put("t", b"x" * (MAX_PAYLOAD + 1))
    assert box.outbox.put("t", b"x" * MAX_PAYLOAD)
    assert box.count(catalogue.MQTT_OUTBOX_LOST) == 6


def test_a_clock_that_steps_back_keeps_every_message(tmp_path: Path) -> None:
    box = Box(tmp_path / "outbox.db", max_age_s=60.0)
    box.outbox.put("t", b"a")
    box.wall.now -= 3600
    box.outbox.put("t", b"b")
    assert box.payloads() == ["a", "b"]


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"SQLite format 3\x00" + b"\x00" * 4000,
        os.urandom(5000),
    ],
    ids=["empty", "header only", "noise"],
)
def test_a_file_that_is_not_an_outbox_is_set_aside(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(damage)
    box = Box(path)
    assert box.outbox.put("t", b"a")
    assert box.outbox.fault is None
    if damage:
        assert (tmp_path / "outbox.db.corrupt").read_bytes() == damage
        assert box.count(catalogue.MQTT_OUTBOX_FAULTS) == 1
    box.outbox.close()
    assert Box(path).payloads() == ["a"]


def test_a_page_overwritten_in_the_middle_costs_the_file_not_the_process(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    box = Box(path)
    for i in range(90):
        box.outbox.put("t", f"{i:05d}".encode() * 200)
    box.outbox.close()
    content = bytearray(path.read_bytes())
    content[8192:12288] = os.urandom(4096)
    path.write_bytes(content)
    again = Box(path)
    assert again.outbox.put("t", b"new")
    assert again.payloads()[-1] == "new"
    assert again.outbox.fault is None
    assert again.count(catalogue.MQTT_OUTBOX_FAULTS) == 1


@pytest.mark.parametrize(
    "script",
    ["PRAGMA user_version = 7", "CREATE TABLE outbox (something TEXT)"],
    ids=["later version", "other table"],
)
def test_a_database_of_another_kind_is_set_aside(tmp_path: Path, script: str) -> None:
    path = tmp_path / "outbox.db"
    with sqlite3.connect(path) as other:
        other.execute(script)
    other.close()
    box = Box(path)
    box.outbox.put("t", b"a")
    assert box.payloads() == ["a"]
    assert box.outbox.fault is None
    assert (tmp_path / "outbox.db.corrupt").exists()


def test_a_folder_that_cannot_be_made_is_named_and_memory_is_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    box = Box(tmp_path / "file" / "outbox.db")
    assert box.outbox.fault is not None
    assert str(tmp_path / "file") in box.outbox.fault
    assert "\n" not in box.outbox.fault
    box.outbox.put("t", b"a")
    assert box.payloads() == ["a"]
    assert box.count(catalogue.MQTT_OUTBOX_FAULTS) == 1


def test_a_disk_that_fills_up_costs_durability_but_no_message(tmp_path: Path) -> None:
    """SQLite's own page limit gives the same error as a full disk."""
    path = tmp_path / "outbox.db"
    box = Box(path)
    box.outbox.put("t", b"on disk")
    box.outbox._database.execute("PRAGMA max_page_count = 1")
    numbers = []
    for i in range(8):
        assert box.outbox.put("t", f"{i}".encode() * 3000)
    assert box.outbox.fault is not None
    assert "full" in box.outbox.fault
    numbers = [entry.number for entry in box.outbox.next(0, 99)]
    assert box.payloads() == ["on disk", *(f"{i}" * 3000 for i in range(8))]
    assert numbers == sorted(set(numbers))
    assert box.count(catalogue.MQTT_OUTBOX_FAULTS) == 1
    # What is acknowledged after the move is really gone, and numbers go on.
    for number in numbers:
        box.outbox.acknowledge(number)
    box.outbox.put("t", b"next")
    assert box.outbox.next(0, 9)[0].number > numbers[-1]


WRITER = """
import sys
from pathlib import Path
from edge.health.registry import Registry
from edge.mqtt.durable import DurableOutbox

outbox = DurableOutbox(Path(sys.argv[1]), Registry())
for i in range(1_000_000):
    outbox.put("t", str(i).encode())
    print(i, flush=True)
"""


def test_what_put_has_returned_survives_kills_at_random_moments(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    expected = 0
    for round_ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        for _ in range(20 + 13 * round_):
            writer.stdout.readline()
        time.sleep(0.003 * round_)
        writer.send_signal(signal.SIGKILL)
        told = 20 + 13 * round_ + len(writer.stdout.read().splitlines())
        writer.wait()
        registry = Registry()
        outbox = DurableOutbox(path, registry)
        stored = [int(entry.payload) for entry in outbox.next(0, 10_000)]
        outbox.close()
        # Each round begins to count anew, after what earlier rounds have stored.
        assert stored[expected : expected + told] == list(range(told))
        assert len(stored) - expected - told <= 1
        expected = len(stored)
        assert registry.snapshot().counters[catalogue.MQTT_OUTBOX_FAULTS] == 0
