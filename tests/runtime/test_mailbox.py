"""Mailbox and queue under many threads, at their limits, and after them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from edge.runtime.mailbox import BoundedQueue, Mailbox


@pytest.fixture
def frequent_switches() -> Iterator[None]:
    """Threads take turns so often that an operation without its lock is interrupted half-way."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("frequent_switches")
def test_items_put_while_another_thread_drains_are_neither_lost_nor_duplicated() -> None:
    queue: BoundedQueue[int] = BoundedQueue(10**9)
    count, found = 60_000, []

    def write(base: int) -> None:
        for number in range(count // 3):
            queue.put(base + number)

    writers = [threading.Thread(target=write, args=(base,)) for base in (0, count, 2 * count)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        found += queue.drain()
    found += queue.drain()
    assert len(found) == count
    assert len(set(found)) == count
    assert queue.dropped == 0


def test_drain_holds_the_lock() -> None:
    """With the lock held elsewhere, `drain` has to wait: nothing can come between copying and clearing."""
    queue: BoundedQueue[int] = BoundedQueue(5)
    queue.put(1)
    drained: list[list[int]] = []
    thread = threading.Thread(target=lambda: drained.append(queue.drain()))
    with queue._condition:
        thread.start()
        thread.join(0.2)
        assert drained == []
    thread.join(10)
    assert drained == [[1]]


def test_each_loss_is_reported_once_with_the_item_that_follows_it() -> None:
    queue: BoundedQueue[tuple[int, int]] = BoundedQueue(2, lambda item, lost: (item[0], lost))
    for number in range(5):
        queue.put((number, 0))
    assert [queue.take(0), queue.take(0)] == [(3, 3), (4, 0)]
    for number in range(3):
        queue.put((number, 0))
    assert [queue.take(0), queue.take(0), queue.take(0)] == [(1, 1), (2, 0), None]
    assert queue.dropped == 4


def test_a_drained_queue_takes_its_whole_limit_again() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    for _ in range(3):
        for number in range(3):
            queue.put(number)
        assert queue.waiting == 3
        assert queue.drain() == [0, 1, 2]
        assert queue.waiting == 0
    assert queue.dropped == 0


def test_a_taken_slot_is_empty_and_counts_no_skip() -> None:
    box: Mailbox[int] = Mailbox()
    for number in range(3):
        box.put(number)
        assert box.waiting == 1
        assert box.take(0) == number
        assert box.waiting == 0
    assert box.skipped == 0
    box.put(0)
    box.put(1)
    assert (box.skipped, box.waiting) == (1, 1)
