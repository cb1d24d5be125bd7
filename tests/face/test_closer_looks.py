"""Which faces get a closer look: a crowd of known ones and patterns that look like faces must not hide a new one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face.blazeface import SIDE, Window
from edge.face.boxes import Box, Detection
from edge.face.tiles import TiledBlazeFace
from edge.inference.card import Card

IMAGE = np.full((480, 640, 3), 100, np.uint8)
NEW = Box(300, 330, 110, 110)


class Scene:
    """A BlazeFace that detects faces and also patterns, which it does not detect in a mirrored image."""

    card: Card | None = None

    def __init__(self, faces: list[Box], patterns: list[Box]) -> None:
        self.faces, self.patterns = faces, patterns
        self.looks = 0

    def look(
        self, image: NDArray[np.uint8], window: Window, min_score: float, mirrored: bool = False
    ) -> tuple[Detection, ...]:
        self.looks += 1
        seen = [Detection(box, 0.95 - box.width / 1000) for box in self.faces]
        seen += [Detection(box, 0.6) for box in self.patterns if not mirrored]
        return tuple(face for face in seen if _shown(face.box, window))


def _shown(box: Box, window: Window) -> bool:
    inside = all(
        start <= edge and edge + box.width <= start + window.side
        for start, edge in ((window.left, box.left), (window.top, box.top))
    )
    return inside and box.width / window.side * SIDE >= 10


def grid(count: int, side: float) -> list[Box]:
    return [Box(30 + 75 * (i % 8), 10 + 75 * (i // 8), side, side) for i in range(count)]


def looked(detector: TiledBlazeFace, count: int, first: int = 0) -> list[tuple[Detection, ...]]:
    return [detector.detect(IMAGE + np.uint8(9 * (i % 9)), i / 10) for i in range(first, first + count)]


@pytest.mark.parametrize("known", [0, 4, 7, 8, 9, 20, 32])
def test_a_new_face_in_front_is_found_at_once_however_many_are_known(known: int) -> None:
    scene = Scene(grid(known, 55), [])
    detector = TiledBlazeFace(scene, 0.7)  # type: ignore[arg-type]
    assert len(looked(detector, 12)[-1]) >= min(known, 8)
    scene.faces = [*scene.faces, NEW]
    for found in looked(detector, 20, 12):
        assert NEW in [face.box for face in found]


@pytest.mark.parametrize("known", [0, 8])
def test_patterns_that_look_like_faces_do_not_keep_one_from_being_seen(known: int) -> None:
    faces = [Box(box.left + 7, box.top, 50, 50) for box in grid(known, 0)]
    patterns = [Box(box.left, box.top + 80, 60, 60) for box in grid(11 if known == 0 else 6, 0)]
    scene = Scene(faces, patterns)
    detector = TiledBlazeFace(scene, 0.7)  # type: ignore[arg-type]
    assert len(looked(detector, 12)[-1]) == known
    small = Box(300, 400, 52, 52)
    scene.faces = [*faces, small]
    assert small in [face.box for found in looked(detector, 3, 12) for face in found]


def test_looks_are_bounded() -> None:
    scene = Scene(grid(30, 55), [])
    detector = TiledBlazeFace(scene, 0.7, max_distance_m=0.5)  # type: ignore[arg-type]
    looked(detector, 3)
    scene.looks = 0
    looked(detector, 1, 3)
    # The whole frame, and for eight known and four others a look and its mirror image.
    assert scene.looks <= 1 + 2 * (8 + 4)


def test_a_frame_of_another_size_makes_every_face_new() -> None:
    scene = Scene([], [NEW])
    detector = TiledBlazeFace(scene, 0.7)  # type: ignore[arg-type]
    scene.faces = [NEW]
    assert detector.detect(IMAGE, 0.0)
    scene.faces = []
    assert detector.detect(IMAGE, 0.1), "a hint of a known face is enough"
    assert not detector.detect(np.full((500, 640, 3), 100, np.uint8), 0.2)
