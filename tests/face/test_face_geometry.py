"""Boxes, crops and quality: the parts of the face sense that need no model."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.errors import SourceError
from edge.face.boxes import Box, Detection, blend_overlapping
from edge.face.crop import FRAMINGS, Framing, as_input, crop
from edge.face.image import as_bgr
from edge.face.quality import assess


def test_iou() -> None:
    assert Box(0, 0, 10, 10).iou(Box(0, 0, 10, 10)) == pytest.approx(1)
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 10, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 10, 10).iou(Box(10, 0, 10, 10)) == 0
    assert Box(0, 0, 0, 0).iou(Box(0, 0, 10, 10)) == 0


def test_overlapping_boxes_become_their_weighted_mean() -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 0, 10, 10], [100, 0, 10, 10]], float)
    merged = blend_overlapping(boxes, np.array([0.9, 0.3, 0.6]))
    assert [score for _, score in merged] == [0.9, 0.6]
    assert merged[0][0] == pytest.approx([0.5, 0, 10, 10])
    assert merged[1][0] == pytest.approx([100, 0, 10, 10])


def test_the_crop_frames_the_box_and_turns_the_face_upright() -> None:
    canvas = np.full((200, 200), 90, np.uint8)
    cv2.rectangle(canvas, (70, 70), (129, 129), 200, -1)
    whole = crop(canvas, Detection(Box(70, 70, 60, 60), 1.0), Framing(1.0, 0.0))
    assert whole.shape == (48, 48)
    assert whole.dtype == np.uint8
    assert (whole > 190).all()
    twice = crop(canvas, Detection(Box(70, 70, 60, 60), 1.0), Framing(2.0, 0.0))
    assert (twice[14:34, 14:34] > 190).all()
    assert (twice[:10] < 100).all()
    raised = crop(canvas, Detection(Box(70, 70, 60, 60), 1.0), Framing(1.0, 0.5))
    assert (raised[:22] < 100).all()
    assert (raised[26:] > 190).all()

    # Eyes at 45°: a dot above the left eye's side of the face comes out upright.
    dot = np.zeros((200, 200), np.uint8)
    cv2.circle(dot, (100 + 20, 100 - 20), 6, 255, -1)
    eyes = ((90.0, 90.0), (110.0, 110.0))
    upright = crop(dot, Detection(Box(60, 60, 80, 80), 1.0, eyes), Framing(1.0, 0.0))
    row, column = np.unravel_index(upright.argmax(), upright.shape)
    assert abs(column - 23.5) < 4
    assert row < 14


def test_a_crop_beyond_the_frame_repeats_its_edge_and_a_tiny_face_is_enlarged() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 60)).astype(np.uint8)
    for box in (Box(-40, -40, 80, 80), Box(50, 40, 200, 200), Box(10, 10, 0.2, 0.2), Box(500, 500, 20, 20)):
        assert crop(picture, Detection(box, 1.0), FRAMINGS["blazeface"]).shape == (48, 48)


def test_model_input_is_zero_to_one() -> None:
    values = as_input(np.array([[[0, 255] * 24] * 48], np.uint8))
    assert values.shape == (1, 48, 48, 1)
    assert values.dtype == np.float32
    assert (values.min(), values.max()) == (0.0, 1.0)


def test_quality_falls_with_size_blur_light_score_and_pose() -> None:
    rng = np.random.default_rng(1)
    sharp = rng.integers(30, 220, (48, 48)).astype(np.uint8)
    good = assess(sharp, 100, 0.95).value
    assert good > 0.9
    assert assess(sharp, 20, 0.95).value < good
    assert assess(np.asarray(cv2.GaussianBlur(sharp, (0, 0), 3), np.uint8), 100, 0.95).value < good
    assert assess((sharp // 16).astype(np.uint8), 100, 0.95).value < good
    assert assess(sharp, 100, 0.5).value < good
    assert assess(np.zeros((48, 48), np.uint8), 100, 0.9).value == 0.0
    assert assess(sharp, 100, 0.95, 0.0, 0.0).value == good
    turned = [assess(sharp, 100, 0.95, yaw, 5.0).value for yaw in (0, -20, 40, -60, 89)]
    assert turned == sorted(turned, reverse=True)
    assert assess(sharp, 100, 0.95, 0.0, -50.0).value < assess(sharp, 100, 0.95, 0.0, 20.0).value < good
    assert assess(sharp, 100, 0.95, 120.0, 0.0).value == 0.0


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1), (16, 16, 3), (16, 16, 4)])
def test_any_picture_becomes_bgr(shape: tuple[int, ...]) -> None:
    assert as_bgr(np.zeros(shape, np.uint8)).shape == (16, 16, 3)


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 2), np.uint8), np.zeros((5, 5, 3)), np.zeros(5, np.uint8)]
)
def test_what_is_no_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(SourceError, match="picture"):
        as_bgr(bad)
