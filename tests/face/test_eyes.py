"""The eye model on real eyes and on drawn ones, and the patch it sees."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge import shipped
from edge.errors import ModelError
from edge.face.eyes import HEIGHT, WIDTH, Eyes, as_input, eye_patch

MODEL = shipped.model("eyes", "eyes")


def ramp() -> NDArray[np.uint8]:
    """A (100, 200) image whose grey level is the number of the column."""
    return np.tile(np.arange(200, dtype=np.uint8), (100, 1))


def test_the_patch_lies_around_the_centre_in_the_scale_asked_for() -> None:
    patch = eye_patch(ramp(), (100.0, 50.0), 64.0, 0.0, mirrored=False)
    assert patch.shape == (HEIGHT, WIDTH)
    middle = patch[12].astype(float)
    assert middle[15:17].mean() == pytest.approx(99.5, abs=1)
    assert middle[-1] - middle[0] == pytest.approx(64 * 31 / 32, abs=2)


def test_a_mirrored_patch_is_the_mirror_image() -> None:
    plain = eye_patch(ramp(), (100.0, 50.0), 48.0, 0.0, mirrored=False).astype(int)
    mirrored = eye_patch(ramp(), (100.0, 50.0), 48.0, 0.0, mirrored=True).astype(int)
    assert np.abs(plain[:, ::-1] - mirrored).max() <= 1


def test_a_turned_frame_gives_the_same_patch() -> None:
    rng = np.random.default_rng(3)
    frame = cv2.GaussianBlur(rng.integers(0, 256, (120, 160)).astype(np.uint8), (0, 0), 4)
    centre = (80.0, 60.0)
    turn = cv2.getRotationMatrix2D((centre[0] - 0.5, centre[1] - 0.5), -20, 1.0)
    turned = np.asarray(cv2.warpAffine(frame, turn, (160, 120)), np.uint8)
    for mirrored in (False, True):
        plain = eye_patch(np.asarray(frame, np.uint8), centre, 40.0, 0.0, mirrored).astype(int)
        same = eye_patch(turned, centre, 40.0, np.deg2rad(20.0), mirrored).astype(int)
        assert np.abs(plain - same).max() < 6


def test_light_does_not_matter_to_the_input() -> None:
    rng = np.random.default_rng(0)
    patch = rng.integers(60, 180, (HEIGHT, WIDTH)).astype(np.uint8)
    darker = (patch // 2 + 10).astype(np.uint8)
    assert np.abs(as_input(patch) - as_input(darker)).max() < 0.06
    assert np.isfinite(as_input(np.zeros((HEIGHT, WIDTH), np.uint8))).all()


def test_a_card_of_another_front_end_is_refused(tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path)
    card = json.loads(MODEL.with_suffix(".json").read_text(encoding="utf-8"))
    card["front_end"]["name"] = "grey48"
    (tmp_path / MODEL.name).with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(ModelError, match="grey48"):
        Eyes(tmp_path / MODEL.name)


@pytest.mark.corpora
def test_shut_eyes_of_unseen_persons_read_lower_than_open_ones(corpora: Path) -> None:
    from edge.face.shape import eye_aspect_ratio
    from models.landmarks import data

    eyes = Eyes(MODEL)
    photos = data.load(corpora / data.FOLDER, "test")
    truth = np.array([eye_aspect_ratio(photo.points) for photo in photos])
    found = np.array([eyes.openness(photo.grey, photo.points) for photo in photos])
    assert found[truth < 0.16].mean() < 0.92 * found[truth > 0.24].mean()
    assert np.corrcoef(truth, found)[0, 1] > 0.4
