"""Supervision: a worker that hangs is unblocked, each time it hangs, and given up only where that does not help."""

from __future__ import annotations

import logging
import threading

import pytest

from edge.health import catalogue
from edge.health.registry import Registry
from edge.runtime.supervision import StuckError, Supervisor
from edge.runtime.worker import Worker


class Silent(Worker):
    """A worker whose silence the test sets; its thread is never started."""

    def __init__(self, name: str) -> None:
        super().__init__(name, lambda _: None, unblock=self._count)
        self.silence = 0.0
        self.unblocked = 0

    def _count(self) -> None:
        self.unblocked += 1

    def silent_for(self) -> float:
        return self.silence


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_all_well(registry: Registry) -> None:
    workers = Silent("camera"), Silent("face sense")
    supervisor = Supervisor(workers, 10.0, registry)
    workers[0].silence = 10.0
    assert supervisor.check(100.0)
    assert [worker.unblocked for worker in workers] == [0, 0]


def test_a_hang_is_unblocked_once_and_all_is_well_after_recovery(
    registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    camera, other = Silent("camera"), Silent("microphone")
    supervisor = Supervisor((camera, other), 10.0, registry)
    for round_number in (1, 2, 3):
        caplog.clear()
        start = 100.0 * round_number
        camera.silence = 10.5
        with caplog.at_level(logging.ERROR):
            assert not supervisor.check(start)
            assert not supervisor.check(start + 5)
        assert camera.unblocked == round_number, "unblocked once per hang, and again at the next one"
        assert [record.message for record in caplog.records] == ["camera has not answered for 10 s; closing its source"]
        camera.silence = 0.1
        assert supervisor.check(start + 6), "the watchdog is fed again after recovery"
        assert supervisor.check(start + 7)
    assert registry.count(catalogue.THREADS_UNBLOCKED) == 3
    assert other.unblocked == 0


def test_a_worker_that_stays_stuck_ends_the_process(registry: Registry) -> None:
    camera = Silent("camera")
    supervisor = Supervisor((camera,), 10.0, registry)
    camera.silence = 11.0
    assert not supervisor.check(100.0)
    assert not supervisor.check(110.0)
    with pytest.raises(StuckError, match="camera hangs and cannot be brought back"):
        supervisor.check(110.1)


def test_the_deadline_restarts_with_each_hang(registry: Registry) -> None:
    camera = Silent("camera")
    supervisor = Supervisor((camera,), 10.0, registry)
    camera.silence = 11.0
    assert not supervisor.check(100.0)
    camera.silence = 0.0
    assert supervisor.check(105.0)
    camera.silence = 11.0
    assert not supervisor.check(120.0)
    assert not supervisor.check(129.9)
    with pytest.raises(StuckError):
        supervisor.check(130.1)


def test_one_stuck_worker_is_enough_to_withhold_the_watchdog(registry: Registry) -> None:
    workers = Silent("camera"), Silent("microphone")
    supervisor = Supervisor(workers, 10.0, registry)
    workers[0].silence = 11.0
    assert not supervisor.check(100.0)
    workers[1].silence = 11.0
    workers[0].silence = 0.0
    assert not supervisor.check(101.0)
    workers[1].silence = 0.0
    assert supervisor.check(102.0)


def test_stop_ends_every_worker_and_does_not_wait_for_one_that_hangs(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    def obey(worker: Worker) -> None:
        worker._stop.wait(30)

    def hang(_: Worker) -> None:
        release.wait(30)

    polite, stubborn = Worker("polite", obey), Worker("stubborn", hang)
    supervisor = Supervisor((stubborn, polite), 10.0, Registry())
    supervisor.start()
    try:
        with caplog.at_level(logging.WARNING):
            supervisor.stop()
        assert polite.join(0)
        assert [record.message for record in caplog.records] == ["stubborn did not end in time"]
    finally:
        release.set()
        assert stubborn.join(10)
