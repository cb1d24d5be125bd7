"""Measures of the mouth, from points whose distances are known."""

from __future__ import annotations

import numpy as np
import pytest

from edge.face.mean_face import MEAN_FACE
from edge.face.mouth import measure


def points() -> np.ndarray:
    return MEAN_FACE[:, :2] * 80.0 + np.array([320.0, 200.0])


def test_distances_are_those_of_the_landmarks() -> None:
    found = measure(3, points(), 1.5, 640)
    there = points()
    assert (found.person, found.captured_at) == (3, 1.5)
    assert found.width == pytest.approx(np.hypot(*(there[48] - there[54])))
    assert found.jaw == pytest.approx(np.hypot(*(there[8] - there[33])))
    assert found.lower == pytest.approx(np.hypot(*(there[57] - there[33])))
    assert found.scale == pytest.approx(np.hypot(*(there[36:42].mean(0) - there[42:48].mean(0))))
    assert found.across == pytest.approx(there[33, 0] / 640)


def test_an_opened_mouth_has_a_larger_gap_jaw_and_lower_lip_alone() -> None:
    opened = points()
    opened[[65, 66, 67, 55, 56, 57, 58, 59, 8]] += np.array([0.0, 6.0])
    before, after = measure(1, points(), 0.0, 640), measure(1, opened, 0.0, 640)
    assert after.gap == pytest.approx(before.gap + 6.0, abs=0.5)
    assert after.jaw == pytest.approx(before.jaw + 6.0, abs=0.1)
    assert after.lower == pytest.approx(before.lower + 6.0, abs=0.1)
    assert (after.width, after.scale) == (before.width, before.scale)


def test_place_and_roll_of_the_head_do_not_matter() -> None:
    turn = np.array([[0.866, -0.5], [0.5, 0.866]])
    before, after = measure(1, points(), 0.0, 640), measure(1, points() @ turn.T + 40.0, 0.0, 640)
    for name in ("gap", "width", "jaw", "lower", "scale"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), rel=1e-3), name
