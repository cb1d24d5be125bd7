"""Tracker: ids through gaps, crossings, returns and bad input; place alone, and with how persons look."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face.appearance import LENGTH, appearances
from edge.face.boxes import Box, Detection
from edge.face.tracker import MEMORY_S, Tracker

WIDTH, HEIGHT = 640, 480


def face(x: float, y: float = 200, size: float = 60) -> Detection:
    """By its centre."""
    return Detection(Box(x - size / 2, y - size / 2, size, size), 0.9)


def look(*persons: int, noise: float = 0.004) -> NDArray[np.float32]:
    """Appearances about as far apart as those of real persons (0.12), and of one person from moment to moment."""
    rows = []
    for person in persons:
        own = np.random.default_rng(person).normal(0, 0.12 / np.sqrt(2 * LENGTH), LENGTH)
        rows.append(own + np.random.default_rng(1000 + person).normal(0, noise / np.sqrt(LENGTH), LENGTH))
    return np.array(rows, np.float32).reshape(len(persons), LENGTH)


def settle(
    tracker: Tracker, faces: list[Detection], looks: NDArray[np.float32] | None = None, until: float = 2.0
) -> None:
    for i in range(round(until * 10)):
        tracker.update(faces, i / 10, looks)


def ids(tracker: Tracker, faces: list[Detection], now: float, looks: NDArray[np.float32] | None = None) -> list[int]:
    """In the order of `faces`."""
    tracks = {id(track.face): track.person for track in tracker.update(faces, now, looks)}
    return [tracks[id(one)] for one in faces]


def test_a_moving_face_keeps_its_id_and_a_far_one_gets_another() -> None:
    tracker = Tracker()
    assert {tracker.update([face(100 + 4 * i)], i / 10)[0].person for i in range(20)} == {1}
    assert ids(tracker, [face(500)], 2.0) == [2]


def test_a_fast_face_that_no_longer_overlaps_itself_keeps_its_id() -> None:
    tracker = Tracker()
    seen = [tracker.update([face(60 + 30 * i)], i / 10)[0].person for i in range(4)]
    # Once its pace is known, a round may be missed: 90 pixels on a face of 60.
    seen += [tracker.update([face(60 + 30 * i)], i / 10)[0].person for i in (5, 8)]
    assert set(seen) == {1}


def test_two_faces_keep_their_ids_in_whatever_order_they_come() -> None:
    tracker = Tracker()
    for i in range(10):
        left, right = face(100 + i), face(300 - i)
        found = ids(tracker, [left, right], i / 10) if i % 2 == 0 else ids(tracker, [right, left], i / 10)[::-1]
        assert found == [1, 2]


@pytest.mark.parametrize("gap", [0.3, 0.6, 1.0])
def test_a_short_occlusion_keeps_the_id(gap: float) -> None:
    tracker = Tracker()
    for i in range(15):
        tracker.update([face(100 + 12 * i)], i / 10)
    tracker.update([], 1.4 + gap / 2)
    # It walked on behind the obstacle.
    assert ids(tracker, [face(100 + 12 * 14 + 120 * gap)], 1.4 + gap) == [1]


@pytest.mark.parametrize("with_looks", [False, True])
def test_two_who_cross_are_not_swapped(with_looks: bool) -> None:
    tracker = Tracker()
    looks = look(1, 2) if with_looks else None
    for i in range(41):
        at = i / 10
        near, far = face(120 + 10 * i, 200, 90), face(520 - 10 * i, 205, 70)
        if abs(near.box.centre[0] - far.box.centre[0]) < 70:
            # The nearer hides the other.
            assert ids(tracker, [near], at, None if looks is None else looks[:1]) == [1]
        else:
            assert ids(tracker, [near, far], at, looks) == [1, 2]


def test_appearance_separates_two_persons_who_meet_and_turn_back() -> None:
    tracker, looks = Tracker(), look(1, 2)
    offsets = [150 - 7.5 * i for i in range(20)] + [7.5 * i for i in range(20)]
    for i, offset in enumerate(offsets):
        left, right = face(320 - offset, 200, 90), face(320 + offset, 205, 75)
        if offset < 35:
            assert ids(tracker, [left], i / 10, looks[:1]) == [1]
        else:
            assert ids(tracker, [left, right], i / 10, looks) == [1, 2]


@pytest.mark.parametrize("x", [100, 560])
def test_who_comes_back_within_seconds_keeps_the_id(x: float) -> None:
    tracker, looks = Tracker(), look(1)
    settle(tracker, [face(100)], looks)
    for i in range(20, 50):
        assert tracker.update([], i / 10, look()) == ()
    assert ids(tracker, [face(x)], 5.0, looks) == [1]


def test_another_person_at_the_same_place_gets_a_new_id() -> None:
    tracker = Tracker()
    settle(tracker, [face(100)], look(1))
    tracker.update([], 2.5, look())
    assert ids(tracker, [face(100)], 4.5, look(2)) == [2]
    # The first comes back beside them.
    assert ids(tracker, [face(100), face(300)], 4.6, look(2, 1)) == [2, 1]


def test_after_a_long_absence_the_id_is_new() -> None:
    tracker = Tracker()
    settle(tracker, [face(100)], look(1))
    assert ids(tracker, [face(100)], 2.0 + MEMORY_S, look(1)) == [2]
    assert [track.person for track in tracker.live] == [2]


def test_a_face_seen_once_is_soon_forgotten() -> None:
    tracker = Tracker()
    tracker.update([face(100)], 0.0)
    tracker.update([], 1.5)
    assert tracker.live == ()


def test_without_appearance_a_face_elsewhere_gets_a_new_id() -> None:
    tracker = Tracker()
    settle(tracker, [face(100)])
    assert ids(tracker, [face(560)], 3.0) == [2]


def test_partial_occlusion_does_not_spoil_the_known_appearance() -> None:
    tracker, looks = Tracker(), look(1, 2)
    settle(tracker, [face(220), face(280)], looks)
    # Three seconds close together, in which both patches show the first person.
    for i in range(20, 50):
        assert ids(tracker, [face(230), face(270)], i / 10, looks[[0, 0]]) == [1, 2]
    tracker.update([], 5.0, look())
    assert ids(tracker, [face(560), face(80)], 6.0, looks) == [1, 2]


def test_a_backward_clock_step_gives_new_ids_and_reuses_none() -> None:
    tracker = Tracker()
    settle(tracker, [face(100), face(400)])
    assert ids(tracker, [face(100), face(400)], 0.0) == [3, 4]
    assert [track.person for track in tracker.live] == [3, 4]


def test_fifty_faces_keep_fifty_ids() -> None:
    rng = np.random.default_rng(0)
    tracker = Tracker()
    places = [(60 + 60 * (i % 10), 60 + 70 * (i // 10)) for i in range(50)]
    looks = look(*range(50))
    first = None
    for turn in range(5):
        shuffled = rng.permutation(50)
        faces = [face(places[i][0] + rng.normal(0, 2), places[i][1] + rng.normal(0, 2), 50) for i in shuffled]
        found = dict(zip(shuffled.tolist(), ids(tracker, faces, turn / 10, looks[shuffled]), strict=True))
        first = first or found
        assert found == first
    assert sorted(first or ()) == list(range(50))
    assert len(tracker.live) == 50


def test_faces_of_no_size_and_beyond_the_frame_are_survived() -> None:
    tracker = Tracker()
    odd = [Detection(Box(0, 0, 0, 0), 0.5), Detection(Box(-1e6, 1e6, 1e5, 1e5), 0.5), Detection(Box(5, 5, -3, -3), 0.5)]
    for i in range(3):
        assert len(tracker.update(odd, i / 10)) == 3


@pytest.mark.parametrize("count", [0, 1, 3])
def test_appearances_of_another_length_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=rf"{count} appearances for 2 faces"):
        Tracker().update([face(100), face(300)], 0.0, look(*range(count)))


def test_appearance_is_of_colours_and_not_of_place_or_size() -> None:
    rng = np.random.default_rng(1)
    frame = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)

    def paint(x: int, size: int, coat: tuple[int, int, int]) -> Detection:
        left, top = x - size // 2, 200 - size // 2
        frame[top : top + size, left : left + size] = (130, 160, 210)
        frame[top + size : top + 2 * size, left - size // 2 : left + size + size // 2] = coat
        return face(x, 200, size)

    red, red_far, blue = paint(120, 80, (30, 30, 180)), paint(320, 40, (30, 30, 180)), paint(500, 80, (180, 40, 30))
    noisy = np.clip(frame + rng.normal(0, 5, frame.shape), 0, 255).astype(np.uint8)
    a, b, c = appearances(noisy, [red, red_far, blue])
    assert a.shape == (LENGTH,)
    assert np.linalg.norm(a - b) < 0.3 * np.linalg.norm(a - c)


def test_an_appearance_at_or_beyond_the_edge_is_finite() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    boxes = [face(0, 0, 30), face(-500, 900, 40), face(8, 8, 0.1), face(8, 8, 5000)]
    found = appearances(frame, boxes)
    assert found.shape == (4, LENGTH)
    assert np.isfinite(found).all()
    assert appearances(frame, []).shape == (0, LENGTH)
