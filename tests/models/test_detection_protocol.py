"""Faces near and far: the tiled search, and how detection is measured."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.media_files import frame_at

from edge import clip, config
from edge.errors import SourceEnded
from edge.face.blazeface import SIDE, BlazeFace, Window, whole
from edge.face.blazeface_file import find
from edge.face.boxes import Box, blend_overlapping
from edge.face.detector import open_detector
from edge.face.haar import HaarFace
from edge.face.shape import upright_box
from edge.face.tiles import NEED, TiledBlazeFace, face_share, tiles
from edge.inference.interpreter import open_model
from edge.observation import Frame
from edge.sources.media import MediaFile
from models.face.protocols import detection

needs_blazeface = pytest.mark.skipif(find() is None, reason="BlazeFace is not fetched (python -m models.face.fetch)")

SMALLEST_WITH_A_FACE = 48
"""Rows of the smallest picture in which the portrait's face is found."""
SIZES = [(640, 480), (640, 360), (480, 640), (320, 240), (1920, 1080), (3840, 2160), (160, 120), (64, 48), (16, 16)]


@pytest.fixture(scope="module")
def blazeface() -> BlazeFace:
    path = find()
    assert path is not None
    return BlazeFace(open_model(path)[0], 0.7)


@pytest.fixture(scope="module")
def portrait() -> NDArray[np.uint8]:
    """A wider view of the portrait than that of other tests, because it is shown from far away."""
    return frame_at(0.4)


def seen_from(portrait: NDArray[np.uint8], blazeface: BlazeFace, metres: float, x: float, y: float) -> tuple[Any, ...]:
    """A frame of 640×480 with the portrait's face `metres` away at (x, y), and where it is."""
    (face, *_) = blazeface.detect(portrait)
    side = face_share(metres) * 640
    scale = side / face.box.width
    left, top = x - scale * face.box.centre[0], y - scale * face.box.centre[1]
    matrix = np.array([[scale, 0, left], [0, scale, top]])
    small = cv2.GaussianBlur(portrait, (0, 0), max(0.01, 0.5 * math.sqrt(max(0, 1 / scale**2 - 1))))
    frame = cv2.warpAffine(small, matrix, (640, 480), borderValue=(90, 100, 110))
    return np.asarray(frame, np.uint8), Box(x - side / 2, y - side / 2, side, side)


def looks(count: int, first: int = 0) -> list[float]:
    """When a camera of 15 frames a second is looked at with the default configuration, seconds."""
    return [2 * index / 15 for index in range(first, first + count)]


def test_a_face_has_the_pixels_that_the_field_of_view_gives_it() -> None:
    assert [round(640 * face_share(metres)) for metres in (0.5, 1.0, 2.0, 3.0)] == [149, 75, 37, 25]


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("metres", [1.0, 2.0, 3.0])
def test_tiles_leave_no_gap_and_show_the_smallest_face_large_enough(width: int, height: int, metres: float) -> None:
    found = tiles(width, height, metres)
    if not found:
        # Either the whole frame shows it, or the camera has no more pixels.
        assert face_share(metres) * SIDE >= NEED or max(width, height) <= SIDE
        return
    smallest = face_share(metres) * max(width, height)
    for window in found:
        assert smallest * SIDE / window.side >= 0.99 * NEED or window.side == SIDE
    covered = np.zeros((height, width), bool)
    for window in found:
        covered[max(0, window.top) : window.top + window.side, max(0, window.left) : window.left + window.side] = True
    assert covered.all()
    # Wherever a face of the smallest size lies, some tile shows nearly all of it.
    for x in np.linspace(0, max(0.0, width - smallest), 23):
        for y in np.linspace(0, max(0.0, height - smallest), 17):
            assert any(
                _inside(x, smallest, window.left, window.side) * _inside(y, smallest, window.top, window.side) > 0.75
                for window in found
            )


def _inside(start: float, length: float, from_: int, side: int) -> float:
    return max(0.0, min(start + length, from_ + side) - max(start, from_)) / length


@needs_blazeface
@pytest.mark.parametrize("metres", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize(("x", "y"), [(320, 240), (200, 150), (390, 330)])
def test_a_face_is_found_in_time_and_then_in_every_round(
    portrait: NDArray[np.uint8], blazeface: BlazeFace, metres: float, x: float, y: float
) -> None:
    frame, truth = seen_from(portrait, blazeface, metres, x, y)
    detector = TiledBlazeFace(blazeface, 0.7)
    hits = [[face for face in detector.detect(frame, at) if detection.matches(face.box, truth)] for at in looks(6)]
    assert all(len(found) == 1 for found in hits[1:])
    assert all(found[0].box.iou(truth) > 0.6 for found in hits[1:])
    assert all(0.45 <= found[0].score <= 1 for found in hits[1:])


@needs_blazeface
def test_an_empty_still_room_costs_little_and_who_comes_is_found(
    portrait: NDArray[np.uint8], blazeface: BlazeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame, truth = seen_from(portrait, blazeface, 2.5, 320, 240)
    empty = np.full_like(frame, 100)
    windows: list[Window] = []
    look = blazeface.look

    def remembered(*given: Any) -> Any:
        windows.append(given[1])
        return look(*given)

    monkeypatch.setattr(blazeface, "look", remembered)
    detector = TiledBlazeFace(blazeface, 0.7)
    detector.detect(empty, 0.0)
    assert windows == [whole(empty), *tiles(640, 480, 3.0)]
    windows.clear()
    for at in looks(8, 1):
        assert detector.detect(empty, at) == ()
    assert windows == [whole(empty)] * 8
    # The two looks that a new face has.
    found = [face for at in looks(2, 9) for face in detector.detect(frame, at)]
    assert any(detection.matches(face.box, truth) for face in found)


@needs_blazeface
def test_the_whole_frame_alone_does_not_show_it(portrait: NDArray[np.uint8], blazeface: BlazeFace) -> None:
    frame, _ = seen_from(portrait, blazeface, 2.5, 320, 240)
    assert blazeface.detect(frame) == ()


@needs_blazeface
def test_a_far_face_that_walks_is_followed_and_one_that_goes_is_forgotten(
    portrait: NDArray[np.uint8], blazeface: BlazeFace
) -> None:
    detector = TiledBlazeFace(blazeface, 0.7)
    for step, at in enumerate(looks(12)):
        frame, truth = seen_from(portrait, blazeface, 2.5, 120 + 14 * step, 200)
        found = detector.detect(frame, at)
        if step >= 2:
            assert [detection.matches(face.box, truth) for face in found] == [True]
    empty = np.full((480, 640, 3), 100, np.uint8)
    assert detector.detect(empty, 1.6) == ()
    frame, truth = seen_from(portrait, blazeface, 2.5, 500, 400)
    assert any(detector.detect(frame, at) for at in (1.733, 1.867))


@needs_blazeface
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_frames_of_any_size(portrait: NDArray[np.uint8], blazeface: BlazeFace, width: int, height: int) -> None:
    detector = TiledBlazeFace(blazeface, 0.7)
    image = np.asarray(cv2.resize(portrait, (width, height)), np.uint8)
    found = [face for at in looks(3) for face in detector.detect(image, at)]
    assert bool(found) == (height >= SMALLEST_WITH_A_FACE)
    for face in found:
        assert face.box.width > 0
        assert math.isfinite(face.box.left + face.box.top)
    # A stream whose frames change size goes on.
    assert detector.detect(portrait, 0.4)


@needs_blazeface
def test_a_mirrored_look_sees_the_same_face_in_the_same_place(
    portrait: NDArray[np.uint8], blazeface: BlazeFace
) -> None:
    plain, mirrored = (blazeface.look(portrait, whole(portrait), 0.5, flag)[0] for flag in (False, True))
    assert plain.box.iou(mirrored.box) > 0.85
    assert plain.eyes is not None
    assert mirrored.eyes is not None
    assert np.allclose(plain.eyes, mirrored.eyes, atol=0.08 * plain.box.width)
    assert plain.score != mirrored.score


@needs_blazeface
def test_without_a_lowest_score_a_look_makes_faces_of_the_best_boxes_alone(
    portrait: NDArray[np.uint8], blazeface: BlazeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged: list[int] = []

    def count(boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> list[tuple[NDArray[np.float64], float]]:
        merged.append(len(boxes))
        return blend_overlapping(boxes, scores)

    monkeypatch.setattr("edge.face.blazeface.blend_overlapping", count)
    best = blazeface.look(portrait, whole(portrait), 0.7)[0]
    assert blazeface.look(portrait, whole(portrait), 0.0)[0].box.iou(best.box) > 0.8
    assert merged[1] == 100


@needs_blazeface
def test_a_window_beside_the_frame_shows_nothing(portrait: NDArray[np.uint8], blazeface: BlazeFace) -> None:
    height, width = portrait.shape[:2]
    for window in (Window(-500, 0, 200), Window(width, height, 64), Window(0, -9, 10), Window(width - 1, 0, 300)):
        assert blazeface.look(portrait, window, 0.5) == ()


@needs_blazeface
@pytest.mark.parametrize("name", ["auto", "blazeface"])
def test_the_default_searches_far_and_a_near_reach_does_not(
    portrait: NDArray[np.uint8], blazeface: BlazeFace, name: str
) -> None:
    frame, _ = seen_from(portrait, blazeface, 3.0, 320, 240)
    far, near = (open_detector(config.Face(detector=name, max_distance_m=metres)) for metres in (3.0, 0.7))  # type: ignore[arg-type]
    assert far.card is not None
    assert far.detect(frame)
    assert not near.detect(frame)


def test_haar_sees_smaller_faces_in_more_pixels(portrait: NDArray[np.uint8]) -> None:
    small = cv2.copyMakeBorder(
        cv2.resize(portrait, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA), 100, 200, 200, 200, cv2.BORDER_REFLECT
    )
    coarse, fine = (HaarFace(0.5, side).detect(np.asarray(small, np.uint8)) for side in (160, 640))
    assert len(fine) > len(coarse)


def photo() -> detection.Photo:
    """A photo of nothing with landmarks in it, tilted by a few degrees."""
    angles = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = np.stack([80 + 30 * np.cos(angles), 70 + 25 * np.sin(angles)], 1)
    points[36:42], points[42:48] = (70, 62), (90, 64)
    image = np.random.default_rng(0).integers(0, 256, (130, 160, 3)).astype(np.uint8)
    return detection.Photo(image, points)


@pytest.mark.parametrize("metres", detection.DISTANCES)
@pytest.mark.parametrize("degrees", [-45, 0, 30])
def test_a_face_is_placed_at_its_true_box(metres: float, degrees: float) -> None:
    noise = photo()
    x, y, breadth, _ = upright_box(noise.points)
    image = np.zeros_like(noise.image)
    cv2.circle(image, (round(x - 0.5), round(y - 0.5)), round(breadth / 4), (255, 255, 255), -1)
    frame, truth = detection.place(detection.Photo(image, noise.points), metres, degrees, np.random.default_rng(3))
    assert frame.shape == (480, 640, 3)
    assert truth.width == pytest.approx(640 * face_share(metres))
    rows, columns = np.nonzero(frame[..., 0] > 180)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx(truth.centre, abs=0.06 * truth.width + 1)
    assert np.ptp(columns) + 1 == pytest.approx(truth.width / 2, rel=0.15)


def test_the_criterion_for_a_found_face() -> None:
    truth = Box(100, 100, 40, 40)
    assert detection.matches(Box(104, 95, 44, 44), truth)
    assert not detection.matches(Box(120, 100, 40, 40), truth)
    assert not detection.matches(Box(110, 110, 18, 18), truth)
    assert not detection.matches(Box(70, 70, 100, 100), truth)


@pytest.mark.slow
@pytest.mark.corpora
@needs_blazeface
def test_the_tables_are_of_real_faces(corpora: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "models.face.protocols.detection",
        "--data",
        str(corpora),
        "--photos",
        "4",
        "--only",
        "Bl",
    ]
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    rows = {row["detector"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert len(rows) == 3
    plain, tiled = rows["BlazeFace, whole frame"], rows["BlazeFace, tiles for 3 m"]
    assert plain["recall"]["3 m, 0°"] == 0 < tiled["recall"]["3 m, 0°"]
    assert tiled["recall"]["0.5 m, 0°"] == 1
    assert tiled["false_of_looks_at_pictures"]["no_face.mp4"][0] == 0
    looks, found, others = tiled["clips_looks_found_others"]["single_face.mp4"]
    assert found == looks > 10
    assert others == 0


@pytest.mark.corpora
def test_pictures_without_a_face_show_none_of_the_faces(corpora: Path) -> None:
    shots = detection.photos(corpora / detection.PHOTOS, "test", 30)
    assert len(shots) == 30
    (frame,) = detection.faceless(shots, 1, np.random.default_rng(0))
    assert frame.shape == (480, 640, 3)
    assert HaarFace(0.7).detect(frame) == ()


@needs_blazeface
def test_nothing_is_detected_after_the_face_has_left(blazeface: BlazeFace) -> None:
    """The built-in clip leaves the face for a spacesuit, whose badge looks like one to those who expect one."""
    detector = TiledBlazeFace(blazeface, 0.7)
    found: list[tuple[float, int]] = []
    with MediaFile(clip.path()) as media, contextlib.suppress(SourceEnded):
        frames = 0
        while True:
            item = media.read()
            if isinstance(item, Frame):
                frames += 1
                if frames % 2:
                    found.append((item.captured_at, len(detector.detect(item.image, item.captured_at))))
    assert sum(faces for at, faces in found if 5.5 < at < 7.5) <= 1
    assert all(faces == 1 for at, faces in found if 1.0 < at < 4.0)
