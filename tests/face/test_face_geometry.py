"""Boxes, crops and quality: the parts of the face sense that need no model."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from edge.errors import SourceError
from edge.face.boxes import Box, Detection, blend_overlapping
from edge.face.crop import FRAMINGS, Framing, View, as_input, crop, view
from edge.face.image import as_bgr
from edge.face.landmarks import FRAMINGS as LANDMARK_FRAMINGS
from edge.face.quality import FaceQuality, assess


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


def ramp(axis: int) -> np.ndarray:
    """(240, 320), whose level is known at every point, between the pixels too: 0.8 of the distance from an edge."""
    return np.asarray(np.rint(0.8 * (np.indices((240, 300))[axis] + 0.5)), np.uint8)


@pytest.mark.parametrize("pixels", [48, 64])
@pytest.mark.parametrize("side", [30.0, 48.0, 64.0, 100.0, 140.0])
@pytest.mark.parametrize("roll", [0.0, 0.4, -1.2, math.pi])
def test_a_patch_shows_what_lies_at_its_place_to_a_quarter_of_a_pixel(pixels: int, side: float, roll: float) -> None:
    at = View(150.0, 115.0, side, roll, pixels)
    along = (np.arange(pixels) + 0.5) * side / pixels - side / 2
    x = 150.0 + along[None] * math.cos(roll) - along[:, None] * math.sin(roll)
    y = 115.0 + along[None] * math.sin(roll) + along[:, None] * math.cos(roll)
    for axis, place in ((0, y), (1, x)):
        rising = at.cut(ramp(axis)).astype(float) - 0.8 * place
        falling = at.cut(255 - ramp(axis)).astype(float) - (255 - 0.8 * place)
        assert max(np.abs(rising).max(), np.abs(falling).max()) < 1.3
        # Half a pixel beside it they would differ by 0.8; OpenCV rounds both alike.
        assert abs(rising.mean() - falling.mean()) < 0.1
    corners = np.array([[0, 0], [pixels, 0], [pixels, pixels]]) @ at.to_frame[:, :2].T + at.to_frame[:, 2]
    assert np.linalg.norm(corners[1] - corners[0]) == pytest.approx(side)
    assert np.linalg.norm(corners[2] - corners[1]) == pytest.approx(side)
    assert (corners[0] + corners[2]) / 2 == pytest.approx([150, 115])


def test_a_view_rises_along_the_face_and_not_along_the_picture() -> None:
    face = Detection(Box(100, 100, 40, 50), 1.0, ((110.0, 110.0), (110.0, 130.0)))
    at = view(face, Framing(1.5, 0.25), 64)
    # The face lies on its right side, so the region above it is at the right of the picture.
    assert (at.x, at.y, at.side, at.pixels) == pytest.approx((130, 125, 60, 64))
    assert at.roll == pytest.approx(math.pi / 2)
    assert view(Detection(Box(100, 100, 40, 50), 1.0), Framing(1.5, 0.25)).roll == 0.0
    assert view(Detection(Box(100, 100, 0.1, 0.1), 1.0), Framing(1.5, 0.25)).side == 1.0


def texture() -> np.ndarray:
    """(240, 320) grey, made of waves, so that every crop of it is another."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float64)
    waves = np.sin(x / 5.3 + 0.4) * np.cos(y / 7.1) + 0.5 * np.sin((x + 2 * y) / 11.7)
    return np.asarray(np.rint(127 + 80 * waves), np.uint8)


GOLDEN = {
    ("blazeface", "expression"): [
        [91, 137, 172, 104, 84, 136, 220, 30],
        [153, 197, 11, 162, 165, 116, 112, 111],
        [94, 100, 143, 157, 100, 158, 48, 199],
        [164, 73, 198, 123, 61, 149, 177, 120],
        [164, 167, 94, 59, 231, 91, 122, 119],
        [65, 111, 136, 139, 143, 105, 117, 106],
        [106, 141, 113, 203, 31, 129, 197, 110],
        [160, 185, 88, 85, 154, 186, 52, 164],
    ],
    ("blazeface", "landmarks"): [
        [147, 106, 166, 112, 91, 174, 134, 66],
        [112, 178, 74, 129, 169, 112, 73, 215],
        [125, 96, 126, 194, 40, 167, 142, 108],
        [81, 177, 142, 48, 208, 80, 170, 56],
        [234, 40, 153, 131, 137, 118, 90, 205],
        [52, 179, 97, 179, 52, 171, 147, 89],
        [110, 161, 117, 88, 174, 135, 67, 170],
        [178, 75, 129, 167, 116, 68, 218, 66],
    ],
    ("haar", "expression"): [
        [212, 129, 15, 179, 164, 111, 131, 89],
        [125, 102, 132, 154, 121, 156, 51, 120],
        [95, 86, 238, 112, 40, 157, 152, 156],
        [174, 136, 107, 82, 172, 117, 135, 170],
        [98, 171, 68, 98, 228, 109, 77, 107],
        [52, 123, 156, 186, 70, 91, 184, 91],
        [192, 123, 114, 172, 55, 124, 187, 137],
        [201, 131, 97, 73, 165, 209, 43, 115],
    ],
    ("haar", "landmarks"): [
        [95, 200, 36, 150, 171, 121, 55, 198],
        [119, 62, 176, 169, 46, 169, 106, 170],
        [168, 143, 137, 85, 151, 110, 186, 67],
        [137, 116, 134, 72, 219, 89, 91, 139],
        [102, 100, 126, 210, 38, 132, 174, 107],
        [77, 227, 81, 115, 120, 170, 97, 153],
        [193, 61, 151, 104, 159, 145, 56, 159],
        [157, 70, 160, 152, 121, 44, 240, 84],
    ],
}

TILTED = Detection(Box(110.3, 70.6, 90.0, 90.0), 0.9, ((131.0, 101.0), (178.0, 110.0)))


@pytest.mark.parametrize("detector", ["blazeface", "haar"])
@pytest.mark.parametrize("front_end", ["expression", "landmarks"])
def test_the_front_ends_give_the_pixels_that_the_models_were_trained_on(detector: str, front_end: str) -> None:
    """Every sixth (eighth) pixel of the crop, as of 2026; a shift, another framing or filter changes most of them."""
    framings, pixels = (FRAMINGS, 48) if front_end == "expression" else (LANDMARK_FRAMINGS, 64)
    patch = view(TILTED, framings[detector], pixels).cut(texture())
    step = pixels // 8
    assert patch.shape == (pixels, pixels)
    # Other builds of OpenCV round otherwise.
    assert np.abs(patch[::step, ::step].astype(int) - np.array(GOLDEN[detector, front_end])).max() <= 2
    if front_end == "expression":
        assert (crop(texture(), TILTED, FRAMINGS[detector]) == patch).all()


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


def test_the_factors_of_the_quality_weigh_as_they_were_measured() -> None:
    full = {"size": 1.0, "sharpness": 1.0, "light": 1.0, "detection": 1.0, "pose": 1.0}
    for name in ("size", "detection", "pose"):
        assert FaceQuality(**{**full, name: 1 / 16}).value == pytest.approx(0.5)
    for name in ("sharpness", "light"):
        assert FaceQuality(**{**full, name: 1 / 256}).value == pytest.approx(0.5)


def test_a_large_face_is_averaged_and_not_sampled() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (240, 160))
    patch = View(160.0, 120.0, 3 * 48.0, 0.0, 48).cut(stripes)
    # Of three pixels one or two are white; every third alone would give black and white.
    assert 80 <= patch.min() <= patch.max() <= 175


def test_each_factor_of_the_quality_is_full_from_a_limit_on_and_no_more() -> None:
    rng = np.random.default_rng(1)
    sharp = rng.integers(30, 220, (48, 48)).astype(np.uint8)
    best = assess(sharp, 64, 1.0)
    assert (best.size, best.sharpness, best.light, best.detection, best.pose, best.upright) == (1, 1, 1, 1, 1, 1)
    assert best.value == assess(sharp, 640, 7.0).value == 1.0
    assert assess(sharp, 32, 1.0).size == 0.5
    assert assess(sharp, 64, -1.0).detection == 0.0
    assert assess(sharp, 64, 0.8).detection == 0.8
    assert assess(sharp, 64, 1.0, 60.0, 60.0).pose == pytest.approx(0.25)
    # Half the pixels at 13 and half at 77 give just enough contrast without black pixels.
    stripes = np.tile(np.array([13, 77], np.uint8), (48, 24))
    assert assess(stripes, 64, 1.0).light == 1.0
    assert assess(stripes - 1, 64, 1.0).light == 0.5
    assert assess(stripes // 2 + 100, 64, 1.0).light == pytest.approx(0.5, abs=0.01)
    white = np.tile(np.array([242, 170], np.uint8), (48, 24))
    assert assess(white, 64, 1.0).light == 1.0
    assert assess(white + 1, 64, 1.0).light == 0.5
    # A checkerboard of amplitude a has a Laplacian of ±8a: variance 64a².
    board = np.indices((48, 48)).sum(0) % 2
    assert assess(np.asarray(100 + 2 * board, np.uint8), 64, 1.0).sharpness == pytest.approx(64 / 730, rel=0.02)


def test_a_face_that_stands_on_its_head_has_a_tenth_of_the_quality() -> None:
    sharp = np.random.default_rng(1).integers(30, 220, (48, 48)).astype(np.uint8)
    upright, inverted = assess(sharp, 100, 0.95), assess(sharp, 100, 0.95, inverted=True)
    assert inverted.value == pytest.approx(0.1 * upright.value)
    assert (upright.upright, inverted.upright) == (1.0, 0.1)


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 1), (16, 16, 3), (16, 16, 4)])
def test_any_picture_becomes_bgr(shape: tuple[int, ...]) -> None:
    assert as_bgr(np.zeros(shape, np.uint8)).shape == (16, 16, 3)


@pytest.mark.parametrize(
    "bad", [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5, 2), np.uint8), np.zeros((5, 5, 3)), np.zeros(5, np.uint8)]
)
def test_an_invalid_image_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(SourceError, match="picture"):
        as_bgr(bad)
