"""Mailboxes, queues and watched threads."""

from __future__ import annotations

import threading
import time

import pytest

from edge.errors import SourceEnded, SourceError
from edge.runtime.mailbox import BoundedQueue, Mailbox
from edge.runtime.worker import Worker


def wait_until(true: object, timeout: float = 10.0) -> bool:
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.01)
    return False


def test_a_slow_reader_gets_the_newest_and_the_skipped_are_counted() -> None:
    box: Mailbox[int] = Mailbox()
    for i in range(5):
        box.put(i)
    assert box.take(0) == 4
    assert box.take(0.01) is None
    assert box.skipped == 4


def test_a_waiting_reader_is_woken() -> None:
    box: Mailbox[str] = Mailbox()
    threading.Timer(0.05, box.put, ["now"]).start()
    assert box.take(5) == "now"


def test_a_full_queue_drops_the_oldest_item_and_counts_it() -> None:
    queue: BoundedQueue[int] = BoundedQueue(3)
    for i in range(5):
        queue.put(i)
    assert queue.take(0) == 2
    assert queue.drain() == [3, 4]
    assert queue.take(0.01) is None
    assert queue.dropped == 2


def test_a_body_that_breaks_is_reported_and_tried_again() -> None:
    tries: list[int] = []
    told: list[str | None] = []

    def body(worker: Worker) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise SourceError("camera gone: plug it in")
        worker.beat()

    worker = Worker("camera", body, told.append)
    worker.start()
    assert worker.join(10)
    assert told == ["camera gone: plug it in", None]
    assert worker.restarts == 1
    assert worker.ended


class Waits(threading.Event):
    """Writes down how long a worker means to wait, and waits a thousandth of it."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.seconds.append(timeout)
        return super().wait(timeout / 1000)


def waits(runs: list[bool], **settings: float) -> list[float]:
    """Seconds before each new attempt of a body of which each run fails, at once (False) or after it did well."""
    waited = Waits()
    left = iter(runs)

    def body(worker: Worker) -> None:
        well = next(left, None)
        if well is None:
            return
        if well:
            worker.beat()
            time.sleep(0.03)
            worker.beat()
        raise SourceError("camera gone: plug it in")

    worker = Worker("camera", body, healthy_after_s=0.02, **settings)  # type: ignore[arg-type]
    worker._stop = waited
    worker.start()
    assert worker.join(10)
    return waited.seconds


def test_the_backoff_doubles_to_five_seconds_and_resets_after_each_recovery() -> None:
    runs = [False, False, False, False, False, True, False, False, True, True, False]
    assert waits(runs) == [1, 2, 4, 5, 5, 1, 2, 4, 1, 1, 2]


def test_the_longest_wait_is_as_configured() -> None:
    assert waits([False] * 6, longest_wait_s=12.0) == [1, 2, 4, 8, 12, 12]
    assert waits([False] * 3, longest_wait_s=1.0) == [1, 1, 1]


def test_a_body_that_takes_long_to_fail_has_not_recovered() -> None:
    """A camera that needs seconds to fail at opening, or gives one picture and fails, is not tried every second."""
    tries: list[int] = []
    waited = Waits()

    def body(worker: Worker) -> None:
        tries.append(1)
        if len(tries) == 4:
            return
        if len(tries) == 2:
            worker.beat()
        else:
            time.sleep(0.03)
        raise SourceError("no answer")

    worker = Worker("camera", body, healthy_after_s=0.02)
    worker._stop = waited
    worker.start()
    assert worker.join(10)
    assert waited.seconds == [1, 2, 4]


def test_an_unexpected_error_is_reported_with_its_type() -> None:
    told: list[str | None] = []

    def body(worker: Worker) -> None:
        raise KeyError("x")

    worker = Worker("face", body, told.append)
    worker.start()
    assert wait_until(lambda: told)
    worker.stop()
    assert worker.join(10)
    assert told[0] == "face failed: KeyError: 'x'"


def test_an_ended_source_ends_the_worker_quietly() -> None:
    told: list[str | None] = []

    def body(worker: Worker) -> None:
        raise SourceEnded("end of file")

    worker = Worker("file", body, told.append)
    worker.start()
    assert worker.join(10)
    assert worker.ended
    assert told == []
    assert worker.silent_for() == 0.0


def test_stopping_unblocks_a_body_that_hangs() -> None:
    hang = threading.Event()

    def body(worker: Worker) -> None:
        hang.wait(60)

    worker = Worker("camera", body, unblock=hang.set)
    worker.start()
    time.sleep(0.05)
    assert worker.silent_for() > 0
    worker.stop()
    assert worker.join(10)


def test_silence_grows_with_time_and_ends_with_a_beat() -> None:
    release = threading.Event()

    def body(_: Worker) -> None:
        release.wait(30)

    worker = Worker("camera", body)
    worker.start()
    try:
        worker._beat_at = time.monotonic() - 7.0
        assert 7.0 <= worker.silent_for() < 8.0
        worker.beat()
        assert worker.silent_for() < 1.0
    finally:
        release.set()
        assert worker.join(10)
    assert worker.ended
    worker._beat_at = 0.0
    assert worker.silent_for() == 0.0


def test_a_worker_that_may_wait_is_never_silent() -> None:
    worker = Worker("transcripts", lambda _: None, may_wait=True)
    worker._beat_at = time.monotonic() - 1000.0
    assert worker.silent_for() == 0.0
    assert Worker("camera", lambda _: None).silent_for() < 1.0


def test_heartbeats_of_exactly_the_healthy_time_count_as_recovery(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("edge.runtime.worker.time.monotonic", lambda: now[0])
    waited, runs = Waits(), iter([0.0, 9.99, 10.0])

    def body(worker: Worker) -> None:
        lasted = next(runs, None)
        if lasted is None:
            return
        worker.beat()
        now[0] += lasted
        worker.beat()
        raise SourceError("gone")

    worker = Worker("camera", body)
    worker._stop = waited
    worker._run()
    assert waited.seconds == [1, 2, 1]


def test_recovery_is_reported_once_for_each_failure() -> None:
    reports: list[str | None] = []
    runs = iter([True, True, False])

    def body(worker: Worker) -> None:
        worker.beat()
        worker.beat()
        if next(runs):
            raise SourceError("gone")

    worker = Worker("camera", body, reports.append)
    worker._stop = Waits()
    worker._run()
    assert reports == ["gone", None, "gone", None]
    assert worker.restarts == 2
