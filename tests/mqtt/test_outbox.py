"""The queue of outgoing messages: newest first, no expired message, never above the limits."""

from __future__ import annotations

import pytest

from edge.mqtt.message import Message
from edge.mqtt.outbox import RECEIPTED, WAITING, Outbox


def text(message: Message) -> str:
    return message.payload.decode()


def replaceable(topic: str, payload: str, deadline: float | None = None) -> Message:
    return Message(topic, payload.encode(), replaceable=True, deadline=deadline)


def test_the_newest_of_a_topic_takes_the_place_of_the_older_one() -> None:
    outbox = Outbox()
    for i in range(5):
        assert outbox.put(replaceable("state", f"state {i}"), 0.0)
        assert outbox.put(replaceable("face", f"face {i}"), 0.0)
        assert outbox.put(Message("words", f"words {i}".encode()), 0.0)
    # The place in the row stays, so that a busy topic does not hold up the others.
    assert [text(m) for m in outbox.take(0.0, 10_000)] == [
        *("state 4", "face 4", "words 0", "words 1", "words 2", "words 3", "words 4"),
    ]
    assert outbox.losses.replaced == 8
    assert outbox.losses.total() == 8
    assert len(outbox) == 0


def test_after_it_was_taken_the_next_one_replaces_nothing() -> None:
    outbox = Outbox()
    for i in range(3):
        outbox.put(replaceable("state", str(i)), 0.0)
        assert [text(m) for m in outbox.take(0.0, 10)] == [str(i)]
    assert outbox.losses.total() == 0


def test_expired_messages_are_never_taken() -> None:
    outbox = Outbox()
    outbox.put(replaceable("old", "old", deadline=1.0), 0.0)
    outbox.put(replaceable("just", "just", deadline=2.0), 0.0)
    outbox.put(Message("acknowledged", b"late", qos=1, deadline=1.0), 0.0)
    outbox.put(Message("acknowledged", b"kept", qos=1), 0.0)
    assert not outbox.put(replaceable("late", "late", deadline=0.5), 0.6)
    assert [text(m) for m in outbox.take_receipted(2.0)] == ["kept"]
    assert [text(m) for m in outbox.take(2.0, 10_000)] == ["just"]
    assert outbox.losses.expired == 3
    assert outbox.losses.dropped == outbox.losses.replaced == 0


def test_a_batch_stays_within_its_bytes_but_holds_one_message() -> None:
    outbox = Outbox()
    for topic in "abc":
        outbox.put(replaceable(topic, topic * 400), 0.0)
    assert [m.topic for m in outbox.take(0.0, 800)] == ["a", "b"]
    assert [m.topic for m in outbox.take(0.0, 10)] == ["c"]
    assert outbox.take(0.0, 10) == []


def test_an_expired_message_does_not_stop_a_batch() -> None:
    outbox = Outbox()
    outbox.put(replaceable("a", "a"), 0.0)
    outbox.put(replaceable("b", "b" * 100, deadline=1.0), 0.0)
    outbox.put(replaceable("c", "c"), 0.0)
    assert [m.topic for m in outbox.take(2.0, 10)] == ["a", "c"]


def test_a_full_queue_of_qos_0_loses_its_oldest() -> None:
    outbox = Outbox()
    for i in range(WAITING + 10):
        assert outbox.put(Message("words", str(i).encode()), 0.0)
        assert len(outbox) <= WAITING
    assert [text(m) for m in outbox.take(0.0, 10**9)] == [str(i) for i in range(10, WAITING + 10)]
    assert outbox.losses.dropped == 10


def test_a_full_queue_of_qos_1_takes_no_more() -> None:
    outbox = Outbox()
    taken = [outbox.put(Message("response", str(i).encode(), qos=1), 0.0) for i in range(RECEIPTED + 3)]
    assert taken == [True] * RECEIPTED + [False] * 3
    assert [text(m) for m in outbox.take_receipted(0.0)] == [str(i) for i in range(RECEIPTED)]
    assert outbox.losses.dropped == 3
    assert outbox.put(Message("response", b"again", qos=1), 0.0)


def test_qos_1_is_never_replaced() -> None:
    outbox = Outbox()
    for payload in (b"online", b"stopped"):
        outbox.put(Message("availability", payload, qos=1, replaceable=True), 0.0)
    assert [m.payload for m in outbox.take_receipted(0.0)] == [b"online", b"stopped"]


@pytest.mark.parametrize("qos", [0, 1])
def test_clearing_counts_the_lost_messages(qos: int) -> None:
    outbox = Outbox()
    for i in range(3):
        outbox.put(Message(str(i), b"", qos=1 if qos else 0), 0.0)
    outbox.clear()
    assert len(outbox) == 0
    assert outbox.losses.dropped == 3
    assert outbox.take(0.0, 10) == outbox.take_receipted(0.0) == []
