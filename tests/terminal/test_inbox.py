"""Messages that wait to be shown: bounded, in order, losses counted once."""

from __future__ import annotations

import threading
import time

from edge.terminal.inbox import MAX_BYTES, MAX_WAITING, Inbox


def test_messages_come_in_order_and_nothing_comes_from_an_empty_inbox() -> None:
    inbox = Inbox()
    inbox.put("a", b"1")
    inbox.put("b", b"2")
    assert [inbox.get(0.0), inbox.get(0.0), inbox.get(0.0)] == [("a", b"1"), ("b", b"2"), None]
    assert inbox.losses() == (0, 0)


def test_the_oldest_make_room_and_are_counted_once() -> None:
    inbox = Inbox()
    for i in range(MAX_WAITING + 7):
        inbox.put("t", b"%d" % i)
    assert inbox.get(0.0) == ("t", b"7")
    assert inbox.losses() == (0, 7)
    assert inbox.losses() == (0, 0)


def test_a_large_payload_is_not_kept() -> None:
    inbox = Inbox()
    inbox.put("t", b"x" * MAX_BYTES)
    inbox.put("t", b"x" * (MAX_BYTES + 1))
    assert inbox.get(0.0) == ("t", b"x" * MAX_BYTES)
    assert inbox.get(0.0) is None
    assert inbox.losses() == (1, 0)


def test_a_waiting_get_is_woken_by_a_message() -> None:
    inbox = Inbox()
    threading.Timer(0.05, inbox.put, ("t", b"1")).start()
    started = time.monotonic()
    assert inbox.get(20.0) == ("t", b"1")
    assert time.monotonic() - started < 10.0
