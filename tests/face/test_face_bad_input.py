"""The face sense on difficult input: odd frames, crowds, empty scenes, clock steps, false faces."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import msgspec
import numpy as np
import pytest
from msgspec import UNSET
from numpy.typing import NDArray
from support.details import face_detail

from edge import config
from edge.errors import ModelError, SourceError
from edge.face.blazeface_file import find
from edge.face.boxes import Box, Detection
from edge.face.sense import MAX_FACES, FaceSense
from edge.health import catalogue
from edge.health.registry import Registry
from edge.inference.card import Card
from edge.observation import Frame, Observation

needs_blazeface = pytest.mark.skipif(find() is None, reason="BlazeFace is not fetched (python -m models.face.fetch)")


class Told:
    """A detector that reports the faces given by the test."""

    name = "blazeface"
    card: Card | None = None

    def __init__(self, faces: Sequence[Detection] = ()) -> None:
        self.faces = tuple(faces)

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        return self.faces


def told(*faces: Detection, registry: Registry | None = None) -> tuple[FaceSense, Told]:
    detector = Told(faces)
    return FaceSense(config.Face(), registry, detector), detector


def square(x: float, y: float, side: float, score: float = 0.9) -> Detection:
    """By its centre."""
    return Detection(Box(x - side / 2, y - side / 2, side, side), score)


def check(observations: Sequence[Observation]) -> None:
    for seen in observations:
        assert sum(seen.posterior) == pytest.approx(1)
        assert 0 <= seen.quality <= 1
        values = msgspec.structs.astuple(face_detail(seen))
        assert all(math.isfinite(value) for value in values if isinstance(value, float))


def as_kind(image: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    if kind == "grey":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    if kind == "grey, one channel":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)[..., None]
    if kind == "four channels":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8)
    if kind == "not contiguous":
        return np.repeat(image, 2, axis=1)[:, ::2]
    if kind == "read-only":
        image = image.copy()
        image.setflags(write=False)
    return image


KINDS = ["colour", "grey", "grey, one channel", "four channels", "not contiguous", "read-only"]


@needs_blazeface
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(16, 16), (17, 300), (3840, 2160)], ids=str)
def test_frames_from_16_to_4k_of_any_kind(portrait: NDArray[np.uint8], size: tuple[int, int], kind: str) -> None:
    image = as_kind(np.asarray(cv2.resize(portrait, size), np.uint8), kind)
    found = FaceSense(config.Face(detector="blazeface")).look(Frame(image, 0.0))
    check(found)
    if size == (3840, 2160):
        # The portrait is as large in the frame as before, regardless of the frame's aspect ratio.
        assert [seen.person for seen in found] == [1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_face_is_read_alike_in_frames_of_any_kind(portrait: NDArray[np.uint8], kind: str) -> None:
    (colour,) = FaceSense(config.Face(detector="haar")).look(Frame(portrait, 0.0))
    (seen,) = FaceSense(config.Face(detector="haar")).look(Frame(as_kind(portrait, kind), 0.0))
    assert seen.posterior == pytest.approx(colour.posterior, abs=0.15)


def test_a_jpeg_broken_half_way_is_read_or_refused_and_the_next_frame_is_fine(portrait: NDArray[np.uint8]) -> None:
    data = cv2.imencode(".jpg", portrait)[1].tobytes()
    face = FaceSense(config.Face(detector="haar"))
    rng = np.random.default_rng(0)
    pictures = 0
    for i in range(12):
        damaged = bytearray(data if i % 2 else data[: len(data) * (i + 1) // 12])
        for place in rng.integers(len(damaged) // 4, len(damaged), 5):
            damaged[place] ^= 0xFF
        picture = cv2.imdecode(np.frombuffer(bytes(damaged), np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is not None:
            pictures += 1
            check(face.look(Frame(np.asarray(picture, np.uint8), i / 2)))
    assert pictures > 3
    assert len(face.look(Frame(portrait, 10.0))) == 1


@needs_blazeface
def test_fifty_faces_are_read_up_to_the_limit_and_remembered_in_bounds(portrait: NDArray[np.uint8]) -> None:
    wall = np.tile(np.asarray(cv2.resize(portrait, (192, 144)), np.uint8), (5, 10, 1))
    face = FaceSense(config.Face(detector="blazeface"))
    persons: set[int | None] = set()
    for i in range(6):
        found = face.look(Frame(wall, i / 5))
        check(found)
        assert len(found) <= MAX_FACES
        persons |= {seen.person for seen in found}
    assert len(found) == MAX_FACES
    # A wall with the same face fifty times: no id is given twice.
    assert len(persons) <= 50
    assert face.attended in persons


def test_of_fifty_simultaneous_faces_the_largest_are_kept(portrait: NDArray[np.uint8]) -> None:
    faces = [square(30 + 11 * i, 120, 20 + i) for i in range(50)]
    registry = Registry()
    face, _ = told(*faces, registry=registry)
    found = face.look(Frame(portrait, 0.0))
    check(found)
    widths = sorted(face_detail(seen).box[2] for seen in found)
    assert widths == [20 + i for i in range(50 - MAX_FACES, 50)]
    assert registry.count(catalogue.FACES_LEFT_OUT) == 50 - MAX_FACES


def test_a_face_appears_and_disappears(portrait: NDArray[np.uint8]) -> None:
    face, detector = told()
    assert face.look(Frame(portrait, 0.0)) == ()
    assert (face.condition, face.attended) == ("no face", None)
    detector.faces = (square(160, 120, 90),)
    assert [seen.person for seen in face.look(Frame(portrait, 1.0))] == [1]
    assert (face.condition, face.attended) == (None, 1)
    detector.faces = ()
    assert face.look(Frame(portrait, 1.2)) == ()
    # For a moment the robot waits for who has gone.
    assert (face.condition, face.attended) == ("no face", 1)
    face.look(Frame(portrait, 4.0))
    assert face.attended is None


def test_who_leaves_and_returns_keeps_id_and_blinks_counted(portrait: NDArray[np.uint8]) -> None:
    face, detector = told(square(160, 120, 90))
    for i in range(20):
        face.look(Frame(portrait, i / 10))
    detector.faces = ()
    for i in range(20, 40):
        assert face.look(Frame(portrait, i / 10)) == ()
    detector.faces = (square(165, 122, 90),)
    (seen,) = face.look(Frame(portrait, 4.0))
    assert seen.person == 1
    assert face_detail(seen).blinks is not UNSET


def test_the_attended_person_comes_first_and_only_one_is(portrait: NDArray[np.uint8]) -> None:
    height, width = portrait.shape[:2]
    face, _ = told(square(30, 30, 40), square(width / 2, height / 2, 100))
    found = face.look(Frame(portrait, 0.0))
    assert [face_detail(seen).attended for seen in found] == [True, False]
    assert found[0].person == face.attended
    assert face_detail(found[0]).box[2] == 100


def test_a_backward_clock_step_resets_the_sense(portrait: NDArray[np.uint8]) -> None:
    face, _ = told(square(160, 120, 90))
    for at in (100.0, 100.1, 100.2):
        assert [seen.person for seen in face.look(Frame(portrait, at))] == [1]
    for at in (0.0, 0.1):
        assert [seen.person for seen in face.look(Frame(portrait, at))] == [2]
        assert face.attended == 2


def test_frames_that_change_size_in_the_stream(portrait: NDArray[np.uint8]) -> None:
    face = FaceSense(config.Face(detector="haar"))
    for i, scale in enumerate((1.0, 0.5, 2.0, 0.05, 1.0)):
        image = np.asarray(cv2.resize(portrait, None, fx=scale, fy=scale), np.uint8)
        check(face.look(Frame(image, i / 2)))
    assert face.condition is None


def test_a_new_frame_size_discards_old_boxes_and_searches_again(portrait: NDArray[np.uint8]) -> None:
    face, detector = told(square(160, 120, 90))
    assert [seen.person for seen in face.look(Frame(portrait, 0.0))] == [face.attended] == [1]
    small = np.asarray(cv2.resize(portrait, (120, 90)), np.uint8)
    detector.faces = (square(60, 45, 40),)
    (seen,) = face.look(Frame(small, 0.05))
    assert face_detail(seen).box == (40, 25, 40, 40)
    assert seen.person == face.attended == 2
    detector.faces = ()
    assert face.look(Frame(portrait, 0.06)) == ()
    assert (face.condition, face.attended) == ("no face", None)


def test_a_face_that_the_model_fails_on_is_left_out_and_counted(
    portrait: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry()
    face, _ = told(square(160, 120, 90), square(60, 60, 40), square(250, 60, 40), registry=registry)
    read, calls = face.expression.read, iter(range(100))

    def fails_on(*which: int) -> None:
        def reading(*patches: NDArray[np.uint8] | None) -> tuple[tuple[float, ...], NDArray[np.float32] | None]:
            if next(calls) % 3 in which:
                raise ModelError("NaN")
            return read(*patches)  # type: ignore[arg-type]

        monkeypatch.setattr(face.expression, "read", reading)

    fails_on(2)
    check(found := face.look(Frame(portrait, 0.0)))
    assert [seen.person for seen in found] == [1, 2]
    assert registry.count(catalogue.FACES_FAILED) == 1
    fails_on(0, 1, 2)
    with pytest.raises(ModelError, match="NaN"):
        face.look(Frame(portrait, 0.1))
    assert registry.count(catalogue.FACES_FAILED) == 4


@pytest.mark.parametrize(
    "odd",
    [square(0, 0, 80), square(-400, 900, 60), square(8, 8, 0), square(8, 8, 0.01), square(100, 100, 1e5)],
    ids=["cut off", "outside", "no size", "tiny", "huge"],
)
def test_boxes_without_a_face_give_finite_numbers(portrait: NDArray[np.uint8], odd: Detection) -> None:
    face, _ = told(odd)
    for image in (portrait, np.zeros_like(portrait), np.full_like(portrait, 255)):
        check(face.look(Frame(image, 0.0)))


def test_a_black_frame_has_no_quality(portrait: NDArray[np.uint8]) -> None:
    face, _ = told(square(160, 120, 90))
    (seen,) = face.look(Frame(np.zeros_like(portrait), 0.0))
    assert seen.quality == 0


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 5, 2), (5, 5, 5), (5,), (2, 5, 5, 3)])
def test_an_invalid_image_is_refused_and_the_next_one_is_read(
    portrait: NDArray[np.uint8], shape: tuple[int, ...]
) -> None:
    face, _ = told(square(160, 120, 90))
    with pytest.raises(SourceError, match="picture"):
        face.look(Frame(np.zeros(shape, np.uint8), 0.0))
    assert len(face.look(Frame(portrait, 0.1))) == 1
