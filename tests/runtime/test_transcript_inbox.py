"""Transcripts from the network: limited in rate, the newest kept, and an error costs one message."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest

from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.observation import Transcript
from edge.runtime.transcript_inbox import TranscriptInbox
from edge.sources.refusals import BURST
from edge.sources.transcripts import ACCEPTED_BURST, ACCEPTED_PER_S, MAX_BYTES


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("edge.runtime.transcript_inbox.time.monotonic", lambda: clock.now)
    monkeypatch.setattr("edge.runtime.transcript_inbox.time.time", lambda: clock.now + 1e9)
    return clock


class Kept:
    """An inbox that records its output."""

    def __init__(self, accept: Callable[[Transcript], None] | None = None) -> None:
        self.accepted: list[Transcript] = []
        self.refused: list[str] = []
        self.registry = Registry()
        self.inbox = TranscriptInbox(accept or self.accepted.append, self.refused.append, self.registry)

    def count(self, counter: Counter) -> int:
        return self.registry.count(counter)


def test_transcripts_at_a_human_pace_are_read_at_once(clock: Clock) -> None:
    kept = Kept()
    for i in range(100):
        clock.now += 0.5
        kept.inbox.receive(f"line {i}".encode())
    assert [said.text for said in kept.accepted] == [f"line {i}" for i in range(100)]
    assert kept.count(catalogue.WORDS_MESSAGES_DROPPED) == kept.count(catalogue.WORDS_TRANSCRIPTS_FAILED) == 0


def test_of_a_flood_the_newest_is_kept_and_the_rest_is_counted(clock: Clock) -> None:
    kept = Kept()
    for i in range(2000):
        kept.inbox.receive(f"line {i}".encode())
    assert len(kept.accepted) == ACCEPTED_BURST
    arrived = clock.now
    kept.inbox.tick(clock.now, {})
    assert len(kept.accepted) == ACCEPTED_BURST
    clock.now += 1.0 / ACCEPTED_PER_S + 0.001
    kept.inbox.tick(clock.now, {})
    kept.inbox.tick(clock.now + 1.0, {})
    # Read late, but its time is that of its arrival.
    assert kept.accepted[-1] == Transcript("line 1999", arrived)
    assert len(kept.accepted) == ACCEPTED_BURST + 1
    assert kept.count(catalogue.WORDS_MESSAGES_DROPPED) == 2000 - ACCEPTED_BURST - 1
    assert len(kept.refused) == BURST
    assert all("only the newest is read" in why for why in kept.refused)


def test_after_a_flood_all_is_as_before_and_a_second_flood_is_limited_too(clock: Clock) -> None:
    kept = Kept()
    for flood in (1, 2):
        clock.now += 60.0
        for _ in range(500):
            kept.inbox.receive(b"again")
        clock.now += 60.0
        kept.inbox.tick(clock.now, {})
        kept.inbox.receive(b"one more")
        assert len(kept.accepted) == flood * (ACCEPTED_BURST + 2)
        assert kept.accepted[-1].text == "one more"
        assert kept.count(catalogue.WORDS_MESSAGES_DROPPED) == flood * (500 - ACCEPTED_BURST - 1)


def test_dropped_messages_are_never_parsed(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[bytes] = []
    monkeypatch.setattr(
        "edge.runtime.transcript_inbox.parse_transcript",
        lambda payload, *_: (parsed.append(payload), Transcript("a", 0.0))[1],  # type: ignore[func-returns-value]
    )
    kept = Kept()
    for _ in range(1000):
        kept.inbox.receive(b"a")
    assert len(parsed) == ACCEPTED_BURST


def test_a_huge_message_does_not_wait_in_memory(clock: Clock) -> None:
    kept = Kept()
    for _ in range(ACCEPTED_BURST):
        kept.inbox.receive(b"a")
    kept.inbox.receive(b"x" * (MAX_BYTES + 1))
    clock.now += 10.0
    kept.inbox.tick(clock.now, {})
    assert len(kept.accepted) == ACCEPTED_BURST
    assert kept.count(catalogue.WORDS_TRANSCRIPTS_FAILED) == 1
    assert kept.refused == [f"a transcript of {MAX_BYTES + 1} bytes is refused; at most {MAX_BYTES}"]


@pytest.mark.parametrize(
    "payload",
    [
        *(b'{"text":"x","age":1e308}', b'{"text":"x","age":7e10}', b'{"text":"x","time":"0001-01-01T00:00:00Z"}'),
        *(b'{"text":"x","age":NaN}', b'{"text":"x","age":' + b"9" * 9000 + b"}", b'{"text":' + b"[" * 9000),
        *(b"\xff\xfe", b'{"text":1}', b'{"text":"x","confidence":"y"}', b'{"text":"\\ud800"}'),
    ],
)
def test_a_bad_message_is_one_refusal_in_one_line(clock: Clock, payload: bytes) -> None:
    kept = Kept()
    kept.inbox.receive(payload)
    kept.inbox.receive(b"good")
    assert [said.text for said in kept.accepted] == ["good"]
    assert kept.count(catalogue.WORDS_TRANSCRIPTS_FAILED) == len(kept.refused) == 1
    assert "\n" not in kept.refused[0]


def test_any_exception_costs_one_message(clock: Clock) -> None:
    accepted: list[str] = []

    def accept(transcript: Transcript) -> None:
        if transcript.text == "bad":
            raise OverflowError("date value out of range")
        accepted.append(transcript.text)

    kept = Kept(accept)
    for text in ("one", "bad", "two", "bad", "three"):
        kept.inbox.receive(json.dumps({"text": text}).encode())
    assert accepted == ["one", "two", "three"]
    assert kept.count(catalogue.WORDS_TRANSCRIPTS_FAILED) == 2
    assert kept.refused == ["a transcript could not be read (OverflowError)"] * 2


def test_messages_from_several_threads_are_all_accounted_for() -> None:
    kept = Kept()

    def send() -> None:
        for _ in range(500):
            kept.inbox.receive(b"a")

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    time.sleep(2.0 / ACCEPTED_PER_S)
    kept.inbox.tick(time.monotonic(), {})
    assert len(kept.accepted) + kept.count(catalogue.WORDS_MESSAGES_DROPPED) == 2000
