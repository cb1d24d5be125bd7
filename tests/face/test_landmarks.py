"""The shipped landmark model on real pictures, and the numbering of its points."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from msgspec import UNSET
from numpy.typing import NDArray
from support.details import face_detail

from edge import config, shipped
from edge.detail import FaceDetail
from edge.errors import ModelError
from edge.face.boxes import Detection
from edge.face.detector import open_detector
from edge.face.landmarks import Landmarks, expression_view
from edge.face.mean_face import MEAN_FACE
from edge.face.pose import HeadPose, head_pose
from edge.face.sense import FaceSense
from edge.face.shape import JAW, LEFT_EYE, MIRRORED, POINTS, RIGHT_EYE, eye_aspect_ratio, interocular, mouth_opening
from edge.face.signs import SignReader, Signs
from edge.observation import Frame

MODEL = shipped.model("landmarks", "landmarks68")


def found_in(image: NDArray[np.uint8]) -> Detection:
    return open_detector(config.Face(detector="haar")).detect(image)[0]


def points(image: NDArray[np.uint8], face: Detection | None = None) -> NDArray[np.float64]:
    face = face or found_in(image)
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint8)
    return Landmarks(MODEL, "haar").find(grey, face)


def test_mirroring_the_numbering_twice_changes_nothing() -> None:
    assert sorted(MIRRORED) == list(range(POINTS))
    assert [MIRRORED[MIRRORED[k]] for k in range(POINTS)] == list(range(POINTS))
    assert {MIRRORED[k] for k in RIGHT_EYE} == set(LEFT_EYE)
    assert {MIRRORED[k] for k in JAW} == set(JAW)


def test_a_portrait_has_its_parts_in_their_places(portrait: NDArray[np.uint8]) -> None:
    found = points(portrait)
    right, left = found[list(RIGHT_EYE)].mean(0), found[list(LEFT_EYE)].mean(0)
    nose, mouth, chin = found[30], found[48:].mean(0), found[8]
    assert right[0] < nose[0] < left[0]  # the person's right eye is at the left of the picture
    assert max(right[1], left[1]) < nose[1] < mouth[1] < chin[1]
    # Pupils are dark, so the points that the model calls eyes must be darker than the cheeks below.
    grey = cv2.GaussianBlur(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), (0, 0), 2)
    for x, y in (right, left):
        assert int(grey[round(y), round(x)]) < int(grey[round(y + 0.35 * interocular(found)), round(x)])


def test_a_turned_picture_turns_the_points(portrait: NDArray[np.uint8]) -> None:
    face = found_in(portrait)
    size = (portrait.shape[1], portrait.shape[0])
    for degrees in (-12, 12):
        turn = cv2.getRotationMatrix2D(face.box.centre, -degrees, 1.0)
        turned = np.asarray(cv2.warpAffine(portrait, turn, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        change = head_pose(points(turned, face)).roll - head_pose(points(portrait, face)).roll
        assert change == pytest.approx(degrees, abs=5)


def test_a_mirrored_picture_mirrors_the_points(portrait: NDArray[np.uint8]) -> None:
    plain, mirrored = points(portrait), points(np.ascontiguousarray(portrait[:, ::-1]))
    back = mirrored[list(MIRRORED)] * np.array([-1, 1]) + np.array([portrait.shape[1], 0])
    assert np.linalg.norm(plain - back, axis=1).mean() / interocular(plain) < 0.08


def test_ratios_of_known_shapes() -> None:
    face = np.zeros((POINTS, 2))
    face[36:42] = face[42:48] = [(0, 0), (1, -0.5), (2, -0.5), (3, 0), (2, 0.5), (1, 0.5)]
    assert eye_aspect_ratio(face) == pytest.approx(1 / 3)
    face[60:68] = [(0, 0), (1, -1), (2, -1), (3, -1), (4, 0), (3, 1), (2, 1), (1, 1)]
    assert mouth_opening(face) == pytest.approx(0.5)
    assert eye_aspect_ratio(np.zeros((POINTS, 2))) == mouth_opening(np.zeros((POINTS, 2))) == 0.0


def test_signs_go_into_the_fields_of_their_names() -> None:
    found = FaceDetail(
        box=(1, 2, 3, 4),
        attended=True,
        detector="haar",
        size=0.1,
        sharpness=0.2,
        light=0.3,
        detection=0.4,
        frontal=0.5,
    )
    signs = Signs(HeadPose(yaw=10.04, pitch=-20.06, roll=30.0), 0.31249, 0.12351, 7, 11.16)
    assert msgspec.structs.asdict(signs.added_to(found)) == {
        **msgspec.structs.asdict(found),
        **{"yaw": 10.0, "pitch": -20.1, "roll": 30.0, "eyes_open": 0.312, "mouth_open": 0.124},
        **{"blinks": 7, "blinks_per_minute": 11.2},
    }
    assert signs.added_to(found) != found
    assert found.yaw is UNSET


@pytest.mark.parametrize("roll", [0.0, 0.5, -0.9])
def test_the_expression_model_looks_at_the_upright_box_of_the_landmarks_and_a_little_above(roll: float) -> None:
    """For a face 200 pixels high: a square of 1.218 times that, its centre 0.161 times that above the box's."""
    shape = MEAN_FACE[:, :2] - (MEAN_FACE[:, :2].min(0) + MEAN_FACE[:, :2].max(0)) / 2
    shape *= 200 / np.ptp(shape, axis=0).max()
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    at = expression_view(shape @ turn.T + np.array([300.0, 200.0]))
    up = turn @ np.array([0.0, -0.161 * 200])
    assert (at.x, at.y) == pytest.approx((300 + up[0], 200 + up[1]))
    assert (at.side, at.roll, at.pixels) == pytest.approx((1.218 * 200, roll, 48))


def test_the_yaw_of_a_person_is_that_of_the_last_face() -> None:
    reader = SignReader()
    assert reader.yaw(1) is None
    for degrees in (30.0, -20.0):
        angle = np.radians(degrees)
        seen = np.column_stack([MEAN_FACE[:, 0] * np.cos(angle) - MEAN_FACE[:, 2] * np.sin(angle), MEAN_FACE[:, 1]])
        signs = reader.read(1, 100 * seen, 0.3, 0.0)
        assert signs.pose.yaw == pytest.approx(degrees, abs=0.1)
        assert reader.yaw(1) == signs.pose.yaw
    reader.keep({2})
    assert reader.yaw(1) is None


def test_the_face_sense_reports_the_landmark_measurements(portrait: NDArray[np.uint8]) -> None:
    (seen,) = FaceSense(config.Face(detector="haar")).look(Frame(portrait, 0.0))
    told = face_detail(seen)
    assert abs(told.yaw) < 30  # type: ignore[arg-type]
    assert 0.1 < told.eyes_open < 0.5  # type: ignore[operator]
    assert told.blinks == 0
    assert told.blinks_per_minute is None
    (plain,) = FaceSense(config.Face(detector="haar", landmarks=False)).look(Frame(portrait, 0.0))
    assert face_detail(plain).yaw is UNSET


def test_a_card_without_a_mean_shape_is_refused(tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path)
    card = json.loads(MODEL.with_suffix(".json").read_text(encoding="utf-8"))
    card["front_end"].pop("mean")
    (tmp_path / MODEL.name).with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="not one of 68 landmarks"):
        Landmarks(tmp_path / MODEL.name, "haar")


@pytest.mark.corpora
def test_error_on_unseen_persons_is_as_the_card_says(corpora: Path) -> None:
    from models.landmarks import data
    from models.landmarks.evaluate import through_detector

    photos = data.load(corpora / data.FOLDER, "test")
    assert {data.part_of(photo.person) for photo in photos} == {"test"}
    found = through_detector(Landmarks(MODEL, "haar"), photos[::10], "haar")
    assert found.n > 40
    assert found.mean < 9.0
