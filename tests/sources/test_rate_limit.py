"""The token bucket: a burst, then a steady rate, and never more than a burst again."""

from __future__ import annotations

import math

import pytest

from edge.sources.rate_limit import TokenBucket


def test_a_burst_passes_and_then_one_per_period() -> None:
    bucket = TokenBucket(per_second=4.0, burst=3)
    assert [bucket.take(100.0) for _ in range(5)] == [True, True, True, False, False]
    assert bucket.wait(100.0) == 0.25
    assert not bucket.take(100.2)
    assert bucket.take(100.25)
    assert not bucket.take(100.25)
    assert [bucket.take(100.25 + 0.25 * i) for i in range(1, 5)] == [True] * 4


def test_a_long_silence_fills_it_to_the_burst_and_no_further() -> None:
    bucket = TokenBucket(per_second=10.0, burst=2)
    for start in (0.0, 1000.0, 2000.0):
        assert [bucket.take(start) for _ in range(4)] == [True, True, False, False]


def test_a_clock_that_runs_back_gives_nothing() -> None:
    bucket = TokenBucket(per_second=1.0, burst=1)
    assert bucket.take(100.0)
    assert not bucket.take(50.0)
    assert not bucket.take(50.5)
    assert bucket.take(51.5)


def test_it_holds_the_rate_over_a_long_flood() -> None:
    bucket = TokenBucket(per_second=10.0, burst=20)
    taken = sum(bucket.take(5.0 + i / 2000) for i in range(20_000))
    assert taken == pytest.approx(20 + 10 * 10, abs=1)


@pytest.mark.parametrize(("per_second", "burst"), [(0.0, 1), (-1.0, 1), (math.inf, 1), (math.nan, 1), (1.0, 0)])
def test_an_invalid_rate_is_refused(per_second: float, burst: int) -> None:
    with pytest.raises(ValueError, match="token bucket"):
        TokenBucket(per_second, burst)
