"""Blinks counted from traces of the eye aspect ratio."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edge.face.blink import BlinkCounter

RATE = 30.0


def count(trace: list[float], rate: float = RATE) -> BlinkCounter:
    counter = BlinkCounter()
    for index, ratio in enumerate(trace):
        counter.update(ratio, index / rate)
    return counter


def eyes(seconds: float, blinks: tuple[float, ...] = (), lasts: float = 0.15, opened: float = 0.3) -> list[float]:
    """A trace of open eyes with blinks that begin at the given seconds."""
    times = np.arange(0, seconds, 1 / RATE)
    return [opened * (0.3 if any(at <= t < at + lasts for at in blinks) else 1.0) for t in times]


def test_each_blink_counts_once() -> None:
    assert count(eyes(20, (2.0, 5.0, 5.6, 12.0))).count == 4


def test_the_baseline_is_the_persons_own() -> None:
    assert count(eyes(10, (3.0, 6.0), opened=0.18)).count == 2
    assert count(eyes(10, (3.0, 6.0), opened=0.45)).count == 2


def test_jitter_around_the_threshold_counts_no_blinks() -> None:
    trace = eyes(3) + [0.3 * (0.78 if i % 2 else 0.84) for i in range(6)] + eyes(3)
    assert count(trace).count == 1


def test_long_closed_eyes_do_not_count_as_a_blink() -> None:
    assert count(eyes(12, (4.0,), lasts=1.5)).count == 0


def test_noise_alone_does_not_blink() -> None:
    rng = np.random.default_rng(1)
    assert count(list(rng.normal(0.3, 0.01, 1800))).count == 0


def test_narrowing_eyes_move_the_baseline_instead_of_counting() -> None:
    assert count([*eyes(8), *np.linspace(0.3, 0.2, 150), *eyes(8, (4.0,), opened=0.2)]).count == 1


def test_rate_is_over_the_last_minute_and_unknown_at_first() -> None:
    assert count(eyes(5, (2.0,))).per_minute is None
    assert count(eyes(30, (5.0, 15.0, 25.0))).per_minute == pytest.approx(6.0, rel=0.02)
    early = tuple(float(at) for at in range(2, 20, 2))
    assert count(eyes(90, early)).per_minute == 0


def watched(fps: float, seconds: float, seen: Callable[[float], bool], open_eyes: float = 0.3) -> BlinkCounter:
    """Who blinks every three seconds, for 100 to 400 ms, with lids that shut and open smoothly."""
    counter = BlinkCounter()
    lengths = np.random.default_rng(7).uniform(0.1, 0.4, int(seconds))
    # A camera's frames do not come in step with anybody's lids.
    for now in np.arange(0, seconds, 1.0007 / fps):
        number, into = divmod(now - 1.5, 3.0)
        phase = into / lengths[int(number)]
        if seen(now):
            counter.update(open_eyes * (1 - 0.75 * np.sin(np.pi * phase) ** 2 if phase < 1 else 1.0), now)
    return counter


def test_absences_do_not_change_the_rate() -> None:
    for away in (0.3, 0.6, 2.0, 4.0, 20.0):
        # Six seconds seen, which two blinks fall into, and so long away.
        counter = BlinkCounter()
        for round_ in range(20):
            for index, ratio in enumerate(eyes(6, (1.5, 4.5))):
                counter.update(ratio, round_ * (6 + away) + index / RATE)
        assert counter.count == 40
        assert counter.per_minute == pytest.approx(20, rel=0.1)


def test_a_rate_is_reported_only_at_a_sufficient_frame_rate() -> None:
    for fps in (9.5, 12, 15, 30):
        counter = watched(fps, 600, lambda now: True)
        assert counter.count >= 0.95 * 200
        assert counter.per_minute == pytest.approx(20, abs=2)
    for fps in (3, 5, 6, 8):
        assert watched(fps, 600, lambda now: True).per_minute is None


def test_the_rate_is_withdrawn_when_the_frame_rate_drops() -> None:
    def slower(now: float) -> bool:
        return now < 60 or round(now * 15) % 3 == 0

    assert watched(15, 60, slower).per_minute is not None
    assert watched(15, 65, slower).per_minute is None


def test_eyes_too_narrow_to_be_taken_for_open_have_no_rate() -> None:
    counter = watched(15, 60, lambda now: True, open_eyes=0.165)
    assert (counter.count, counter.per_minute) == (0, None)


def test_a_person_who_was_away_does_not_blink_on_return() -> None:
    counter = count(eyes(5))
    counter.update(0.08, 10.0)
    counter.update(0.3, 10.1)
    assert counter.count == 0


def test_a_clock_that_goes_back_is_survived() -> None:
    counter = count(eyes(5, (2.0,)))
    assert counter.update(0.3, 1.0) is False
    assert counter.count == 1


def test_eyes_closed_from_the_first_frame_do_not_count_as_a_blink() -> None:
    assert count([0.05] * 5 + eyes(5)).count == 0
