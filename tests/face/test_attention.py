"""Attention: whom it turns to, and that it does not flap."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from edge.face.attention import Attention, Candidate, prominence
from edge.face.boxes import Box

FRAME = (640, 480)


def face(person: int, x: float = 320, y: float = 240, size: float = 100, yaw: float | None = 0.0) -> Candidate:
    return Candidate(person, Box(x - size / 2, y - size / 2, size, size), yaw)


def run(attention: Attention, candidates: list[Candidate], since: float, until: float) -> list[int | None]:
    """Whom it attended to, ten times a second."""
    steps = round((until - since) * 10)
    return [attention.update(candidates, since + i / 10, FRAME) for i in range(steps)]


def test_large_central_and_frontal_faces_are_prominent() -> None:
    value = prominence(face(1), FRAME)
    assert prominence(face(1, size=80), FRAME) < value
    assert prominence(face(1, x=600), FRAME) < value
    assert prominence(face(1, yaw=-40), FRAME) < value
    assert prominence(face(1, yaw=40), FRAME) == prominence(face(1, yaw=-40), FRAME)
    assert prominence(face(1, yaw=None), FRAME) == value


@pytest.mark.parametrize(
    ("yaw", "less"), [(0, 0), (22.5, 0.25), (45, 1), (-45, 1), (63, 1.96), (64, 2), (90, 2), (180, 2)]
)
def test_a_turned_face_counts_less_by_the_square_of_its_angle_up_to_a_limit(yaw: float, less: float) -> None:
    assert prominence(face(1), FRAME) - prominence(face(1, yaw=yaw), FRAME) == pytest.approx(less)


@pytest.mark.parametrize(
    ("x", "y", "less"), [(0, 240, 0.5), (320, 0, 0.5), (640, 480, 1), (800, 600, 1), (160, 120, 0.25)]
)
def test_a_face_off_the_centre_counts_less_by_the_square_of_its_distance_up_to_a_limit(
    x: float, y: float, less: float
) -> None:
    assert prominence(face(1), FRAME) - prominence(face(1, x=x, y=y), FRAME) == pytest.approx(less)


def test_size_counts_by_its_logarithm_and_a_box_without_area_does_not_fail() -> None:
    assert prominence(face(1, size=200), FRAME) - prominence(face(1), FRAME) == pytest.approx(np.log(4))
    assert prominence(face(1, size=0), FRAME) == pytest.approx(-np.log(640 * 480))


def test_a_rivals_time_restarts_after_each_interruption() -> None:
    """Three tenths of a second more prominent, time and again, are never four tenths at a stretch."""
    attention = Attention()
    run(attention, [face(1)], 0, 1)
    now = 1.0
    for _ in range(5):
        # Long pauses without the rival, so that the smoothed prominence has gone.
        assert set(run(attention, [face(1), face(2, size=400)], now, now + 0.3)) == {1}
        assert set(run(attention, [face(1)], now + 0.3, now + 2.3)) == {1}
        now += 2.3
    assert run(attention, [face(1), face(2, size=400)], now, now + 1)[-1] == 2
    # And back, the same way, a second time.
    assert run(attention, [face(1, size=900), face(2, size=400)], now + 1, now + 3)[-1] == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (face(1, size=60), face(2, size=90)),
        (face(1, x=40, y=40), face(2)),
        (face(1, yaw=60), face(2, yaw=5)),
    ],
    ids=["larger", "more central", "looks at the robot"],
)
def test_it_begins_with_the_most_prominent(first: Candidate, second: Candidate) -> None:
    assert Attention().update([first, second], 0.0, FRAME) == 2


def test_of_two_alike_it_begins_with_who_was_there_first() -> None:
    assert Attention().update([face(2, x=400), face(1, x=240)], 0.0, FRAME) == 1


def test_a_little_more_prominent_is_not_enough() -> None:
    attention = Attention()
    run(attention, [face(1)], 0, 1)
    assert set(run(attention, [face(1), face(2, size=110)], 1, 6)) == {1}


def test_clearly_more_prominent_takes_over_once_and_not_at_once() -> None:
    attention = Attention()
    run(attention, [face(1)], 0, 1)
    seen = run(attention, [face(1), face(2, size=180)], 1, 4)
    assert seen[:3] == [1, 1, 1]
    assert seen[-1] == 2
    assert seen == sorted(seen)  # type: ignore[type-var]


def test_a_passer_by_does_not_take_over_the_attention() -> None:
    attention = Attention()
    run(attention, [face(1)], 0, 1)
    seen = run(attention, [face(1), face(2, size=200)], 1, 1.3)
    seen += run(attention, [face(1)], 1.3, 3)
    assert set(seen) == {1}


def test_the_attended_person_turning_away_hands_over() -> None:
    attention = Attention()
    run(attention, [face(1), face(2, x=420)], 0, 1)
    assert attention.person == 1
    assert run(attention, [face(1, yaw=60), face(2, x=420)], 1, 3)[-1] == 2


def test_sizes_that_flicker_do_not_make_it_flap() -> None:
    rng = np.random.default_rng(0)
    attention = Attention()
    seen = []
    for i in range(600):
        sizes = 100 * np.exp(rng.normal(0, 0.15, 2))
        pair = [face(1, x=240, size=sizes[0]), face(2, x=400, size=sizes[1])]
        # Now and then a face is missed.
        pair = [candidate for candidate in pair if i == 0 or rng.random() > 0.05]
        seen.append(attention.update(pair, i / 10, FRAME))
    assert sum(a != b for a, b in pairwise(seen)) <= 1
    assert None not in seen


def test_it_waits_a_second_for_who_is_out_of_sight_and_then_turns_to_another() -> None:
    attention = Attention()
    run(attention, [face(1), face(2, size=70)], 0, 1)
    waiting = run(attention, [face(2, size=70)], 1.0, 1.8)
    assert set(waiting) == {1}
    assert run(attention, [face(2, size=70)], 1.8, 3)[-1] == 2


def test_who_comes_back_in_time_keeps_the_attention() -> None:
    attention = Attention()
    run(attention, [face(1)], 0, 1)
    assert set(run(attention, [], 1, 1.8)) == {1}
    assert attention.update([face(1)], 1.8, FRAME) == 1


def test_nobody_is_attended_to_in_an_empty_room() -> None:
    attention = Attention()
    assert attention.person is None
    assert attention.update([], 0.0, FRAME) is None
    run(attention, [face(1)], 0.1, 1)
    assert run(attention, [], 1, 3)[-1] is None


def test_a_backward_clock_step_resets_the_attention() -> None:
    attention = Attention()
    run(attention, [face(1)], 100, 101)
    assert attention.update([face(7, size=30)], 0.0, FRAME) == 7
    attention.update([face(7)], 50.0, FRAME)
    assert attention.update([], 0.0, FRAME) is None


def test_it_forgets_who_has_gone() -> None:
    attention = Attention()
    for i in range(500):
        attention.update([face(i)], i * 2.0, FRAME)
    assert len(attention._smooth) == 1
