from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable

import pytest

from edge.health.registry import Counter, Distribution, Gauge, Histogram, Registry, rates

FRAMES = Counter("camera.frames", "frames", "Frames delivered.", "rate")
SKIPPED = Counter("camera.skipped", "frames", "Frames skipped.", "loss")
MEMORY = Gauge("process.memory", "MB", "Memory used.")
INFER = Histogram("infer", "ms", "Time of the model.")
LEVEL = Histogram("level", "dB", "Level of the sound.")


def in_threads(work: Callable[[], None], count: int = 4) -> None:
    """Runs `work` in `count` threads that the interpreter switches as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)


def test_concurrent_increments_are_all_counted() -> None:
    registry = Registry()

    def work() -> None:
        for _ in range(5_000):
            registry.increment(FRAMES)
            registry.increment(SKIPPED, 2)
            registry.observe(INFER, 1.0)

    in_threads(work)
    assert registry.count(FRAMES) == 20_000
    assert registry.count(SKIPPED) == 40_000
    assert registry.snapshot().histograms[INFER].count == 20_000


def test_snapshots_can_be_taken_while_others_write() -> None:
    registry, stop = Registry(window=50), threading.Event()
    torn: list[Distribution] = []

    def write() -> None:
        made = 0
        while not stop.is_set() and made < 2_000:
            made += 1
            registry.increment(Counter(f"c{made}", "things", "A counter.", "rate"))
            registry.observe(INFER, 1.0)

    def read() -> None:
        for _ in range(50):
            spread = registry.snapshot().histograms.get(INFER)
            if spread is not None and spread.sum != spread.count:
                torn.append(spread)

    writer = threading.Thread(target=write)
    writer.start()
    in_threads(read, 2)
    stop.set()
    writer.join()
    assert torn == []


def test_a_counter_appears_when_it_is_first_touched_and_snapshots_are_in_order_of_names() -> None:
    registry = Registry()
    assert registry.snapshot().counters == {}
    assert registry.count(SKIPPED) == 0
    assert registry.snapshot().counters == {}
    registry.increment(SKIPPED, 0)
    registry.increment(FRAMES, 3)
    assert list(registry.snapshot().counters.items()) == [(FRAMES, 3), (SKIPPED, 0)]


def test_a_counter_never_falls() -> None:
    registry = Registry()
    registry.increment(FRAMES, 2)
    with pytest.raises(ValueError, match=r"camera\.frames can only grow"):
        registry.increment(FRAMES, -1)
    for count, known in ((5, 5), (3, 5), (0, 5), (5, 5), (6, 6)):
        registry.raise_to(FRAMES, count)
        assert registry.count(FRAMES) == known
    registry.raise_to(SKIPPED, -4)
    assert registry.snapshot().counters[SKIPPED] == 0
    registry.increment(FRAMES)
    assert registry.count(FRAMES) == 7


def test_two_definitions_of_the_same_name_are_different_counters() -> None:
    registry = Registry()
    registry.increment(FRAMES)
    registry.increment(Counter("camera.frames", "frames", "Frames delivered.", "rate"), 10)
    assert registry.count(FRAMES) == 1


def test_a_snapshot_stays_as_it_was_and_the_second_shows_what_came_since() -> None:
    registry = Registry()
    registry.increment(FRAMES, 10)
    registry.observe(INFER, 1.0)
    registry.set(MEMORY, 100.0)
    first = registry.snapshot()
    registry.increment(FRAMES, 30)
    registry.increment(SKIPPED, 4)
    registry.observe(INFER, 2.0)
    registry.set(MEMORY, 90.0)
    second = registry.snapshot()
    assert (first.counters, first.gauges, first.histograms[INFER].values) == ({FRAMES: 10}, {MEMORY: 100.0}, (1.0,))
    assert second.gauges == {MEMORY: 90.0}
    assert (second.histograms[INFER].values, second.histograms[INFER].sum) == ((1.0, 2.0), 3.0)
    assert rates(first.counters, second.counters, 2.0) == {FRAMES: 15.0, SKIPPED: 2.0}
    third = registry.snapshot()
    assert rates(second.counters, third.counters, 2.0) == {FRAMES: 0.0, SKIPPED: 0.0}
    assert rates({}, third.counters, 0.0) == {FRAMES: 0.0, SKIPPED: 0.0}


def test_a_full_window_keeps_the_last_values_and_counts_all() -> None:
    registry = Registry(window=3)
    for value in range(1, 6):
        registry.observe(INFER, float(value))
    spread = registry.snapshot().histograms[INFER]
    assert (spread.values, spread.count, spread.sum) == ((3.0, 4.0, 5.0), 5, 15.0)
    default = Registry()
    for _ in range(2_000):
        default.observe(INFER, 1.0)
    assert len(default.snapshot().histograms[INFER].values) == 512


def test_histograms_are_in_the_order_in_which_they_were_first_observed() -> None:
    registry = Registry()
    for histogram in (LEVEL, INFER, LEVEL):
        registry.observe(histogram, 0.0)
    assert list(registry.snapshot().histograms) == [LEVEL, INFER]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_do_not_get_in(value: float) -> None:
    registry = Registry()
    with pytest.raises(ValueError, match="infer takes finite values"):
        registry.observe(INFER, value)
    registry.set(MEMORY, 1.0)
    registry.set(MEMORY, value)
    assert registry.snapshot().gauges == {}
    assert registry.snapshot().histograms == {}


def test_a_gauge_that_became_unknown_is_left_out() -> None:
    registry = Registry()
    registry.set(MEMORY, None)
    assert registry.snapshot().gauges == {}
    registry.set(MEMORY, 0.0)
    assert registry.snapshot().gauges == {MEMORY: 0.0}
    registry.set(MEMORY, None)
    assert registry.snapshot().gauges == {}


def test_a_block_is_timed_in_milliseconds_also_when_it_raises() -> None:
    registry = Registry()
    with registry.time(INFER):
        time.sleep(0.02)
    with pytest.raises(KeyError), registry.time(INFER):
        raise KeyError
    spread = registry.snapshot().histograms[INFER]
    assert spread.count == 2
    assert 20.0 <= spread.values[0] < 5_000.0
    assert spread.values[1] >= 0.0
    with pytest.raises(ValueError, match="measured in ms"):
        registry.time(LEVEL)


def test_the_window_has_room() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Registry(window=0)
