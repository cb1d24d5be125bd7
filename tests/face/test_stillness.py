"""Where nothing changed nothing is searched; where something came, it is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face.blazeface import Window
from edge.face.stillness import Stillness
from edge.face.tiles import tiles

PATIENCE = 10
WINDOWS = tiles(640, 480, 3.0)


def room(seed: int, noise: float = 6.0) -> NDArray[np.uint8]:
    """The same wall each time, under another noise."""
    wall = np.random.default_rng(0).integers(60, 160, (480, 640, 3))
    return np.clip(wall + np.random.default_rng(seed).normal(0, noise, wall.shape), 0, 255).astype(np.uint8)


def due(stillness: Stillness, image: NDArray[np.uint8]) -> list[Window]:
    stillness.look(image)
    return [window for window in WINDOWS if stillness.due(window)]


def test_a_still_room_is_searched_once_and_after_a_while_again() -> None:
    stillness = Stillness(PATIENCE)
    assert len(WINDOWS) > 10
    assert due(stillness, room(1)) == list(WINDOWS)
    for seed in range(2, PATIENCE + 1):
        assert due(stillness, room(seed)) == []
    assert due(stillness, room(PATIENCE + 1)) == list(WINDOWS)


@pytest.mark.parametrize(("x", "y"), [(300, 250), (31, 100), (600, 450)])
@pytest.mark.parametrize("levels", [14, -14])
def test_a_face_three_metres_away_is_noticed_by_every_tile_that_shows_it(x: int, y: int, levels: int) -> None:
    stillness = Stillness(PATIENCE)
    due(stillness, room(1))
    came = room(2).astype(np.int16)
    came[y - 12 : y + 13, x - 12 : x + 13] += levels
    found = due(stillness, np.clip(came, 0, 255).astype(np.uint8))
    shows = [
        w for w in WINDOWS if w.left <= x - 12 and x + 12 < w.left + w.side and w.top <= y - 12 <= w.top + w.side - 25
    ]
    assert shows
    assert set(shows) <= set(found)
    assert len(found) < len(WINDOWS)


def test_slow_change_adds_up() -> None:
    """The comparison is with the last searched picture, not with the last picture."""
    stillness = Stillness(1000)
    due(stillness, room(1, 0))
    found = [bool(due(stillness, np.clip(room(1, 0).astype(int) + step, 0, 255).astype(np.uint8))) for step in range(8)]
    assert found == [False] * 6 + [True, False]


def test_frames_of_another_size_are_another_stream() -> None:
    stillness = Stillness(PATIENCE)
    for shape in ((480, 640), (48, 64), (16, 16), (480, 640)):
        image = np.zeros((*shape, 3), np.uint8)
        windows = tiles(shape[1], shape[0], 3.0) or (Window(0, 0, 16),)
        stillness.look(image)
        assert all(stillness.due(window) for window in windows)
        stillness.look(image)
        assert not any(stillness.due(window) for window in windows)
