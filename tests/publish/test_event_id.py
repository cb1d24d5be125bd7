"""Identifiers of events sort by time, whatever the clock does."""

from __future__ import annotations

import uuid

import pytest

from edge.publish.event_id import EventIds, milliseconds_of


class Wall:
    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def test_an_identifier_is_a_uuid_of_version_7_with_its_time() -> None:
    made = EventIds(Wall(1_764_000_000.123)).next()
    parsed = uuid.UUID(made)
    assert str(parsed) == made
    assert parsed.version == 7
    assert parsed.variant == uuid.RFC_4122
    assert milliseconds_of(made) == 1_764_000_000_123


def test_identifiers_of_one_millisecond_still_sort_and_differ() -> None:
    ids = EventIds(Wall(1000.0))
    made = [ids.next() for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == 10_000
    # The counter has 4096 values, so ten thousand reach two milliseconds further.
    assert milliseconds_of(made[4095]) == 1_000_000
    assert milliseconds_of(made[4096]) == 1_000_001
    assert milliseconds_of(made[-1]) == 1_000_002


def test_they_sort_when_the_clock_steps_back_and_follow_it_when_it_goes_on() -> None:
    wall = Wall(5000.0)
    ids = EventIds(wall)
    first = ids.next()
    wall.seconds = 1400.0
    second = ids.next()
    wall.seconds = 5000.001
    third = ids.next()
    assert first < second < third
    assert milliseconds_of(second) == 5_000_000
    assert milliseconds_of(third) == 5_000_001


@pytest.mark.parametrize("seconds", [-5.0, 1e18])
def test_an_absurd_clock_costs_nothing(seconds: float) -> None:
    ids = EventIds(Wall(seconds))
    assert ids.next() < ids.next()


def test_two_makers_never_agree() -> None:
    assert EventIds(Wall(7.0)).next() != EventIds(Wall(7.0)).next()


def test_another_version_of_uuid_is_refused() -> None:
    with pytest.raises(ValueError, match="not a UUID of version 7"):
        milliseconds_of(str(uuid.uuid4()))
