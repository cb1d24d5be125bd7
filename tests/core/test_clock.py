from __future__ import annotations

import time

import pytest

from edge.clock import REPLAY, Clock, parse_rfc3339, rfc3339


def test_replay_counts_from_the_epoch() -> None:
    assert REPLAY.milliseconds(1.2345) == 1234
    assert REPLAY.rfc3339(0.0) == "1970-01-01T00:00:00.000Z"
    assert REPLAY.rfc3339(86400.001) == "1970-01-02T00:00:00.001Z"


def test_live_is_the_wall_clock() -> None:
    before = time.time()
    stamp = parse_rfc3339(Clock.live().rfc3339(time.monotonic()))
    assert before - 0.1 <= stamp <= time.time() + 0.1


def test_the_clock_is_re_anchored_only_after_a_step() -> None:
    clock = Clock(1000.0)
    assert clock.anchored(50.0, 1050.0) is clock
    assert clock.anchored(50.0, 1050.04) is clock
    stepped = clock.anchored(50.0, 1_700_000_000.0)
    assert stepped.rfc3339(50.0) == rfc3339(1_700_000_000_000) == "2023-11-14T22:13:20.000Z"


def test_there_and_back() -> None:
    assert parse_rfc3339("2023-11-14T22:13:20.125Z") == 1_700_000_000.125
    with pytest.raises(ValueError, match="no time zone"):
        parse_rfc3339("2023-11-14T22:13:20.125")
