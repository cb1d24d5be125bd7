"""Blinks counted from traces of the eye aspect ratio."""

from __future__ import annotations

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


def test_trembling_around_the_threshold_is_no_series_of_blinks() -> None:
    trace = eyes(3) + [0.3 * (0.78 if i % 2 else 0.84) for i in range(6)] + eyes(3)
    assert count(trace).count == 1


def test_eyes_shut_for_long_are_no_blink() -> None:
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


def test_a_person_who_was_away_does_not_blink_on_return() -> None:
    counter = count(eyes(5))
    counter.update(0.08, 10.0)
    counter.update(0.3, 10.1)
    assert counter.count == 0


def test_a_clock_that_goes_back_is_survived() -> None:
    counter = count(eyes(5, (2.0,)))
    assert counter.update(0.3, 1.0) is False
    assert counter.count == 1


def test_shut_from_the_first_frame_is_no_blink() -> None:
    assert count([0.05] * 5 + eyes(5)).count == 0
