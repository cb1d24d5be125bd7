"""Upside-down faces: the result of the second look in the rotated picture, and its rate."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge import config
from edge.detail import FaceDetail
from edge.errors import ModelError
from edge.face.blazeface_file import find
from edge.face.boxes import Box, Detection
from edge.face.detector import open_detector
from edge.face.sense import FaceSense
from edge.face.tracker import Track
from edge.face.upright import UprightCheck, preference
from edge.inference.card import Card
from edge.observation import Frame, Observation

needs_blazeface = pytest.mark.skipif(find() is None, reason="BlazeFace is not fetched (python -m models.face.fetch)")

BOX = Box(100, 80, 60, 60)
PICTURE = np.zeros((240, 320, 3), np.uint8)


def factor(seen: Observation) -> float:
    assert isinstance(seen.detail, FaceDetail)
    assert isinstance(seen.detail.upright, float)
    return seen.detail.upright


def on_its_head(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(image[::-1, ::-1])


class Scores:
    """Stands in for a detector: gives the scores of the upright and the turned square in turn."""

    name = "haar"
    card: Card | None = None

    def __init__(self, *pairs: tuple[float, float], at: float = 64.0) -> None:
        self._scores = [score for upright, turned in pairs for score in (turned, upright)]
        self._at = at
        self.looks = 0

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        self.looks += 1
        score = self._scores.pop(0)
        if score < 0:
            raise ModelError("the detector gave NaN")
        return (Detection(Box(self._at - 20, self._at - 20, 40, 40), score),)


def track(person: int = 1) -> Track:
    return Track(person, Detection(BOX, 0.9), 0.0)


@needs_blazeface
def test_an_upside_down_smile_gets_low_quality_and_the_log_names_the_remedy(
    portrait: NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    face = FaceSense(config.Face(detector="blazeface", min_score=0.5))
    (upright,) = face.look(Frame(portrait, 0.0))
    assert upright.quality > 0.6
    assert factor(upright) == 1.0
    assert "camera.rotate" not in caplog.text
    with caplog.at_level(logging.WARNING):
        for at in (60.0, 60.1, 120.0):
            (inverted,) = face.look(Frame(on_its_head(portrait), at))
            assert inverted.quality < 0.3
            assert factor(inverted) == 0.1
    assert caplog.text.count("camera.rotate = 180") == 1


@needs_blazeface
def test_a_tilted_head_is_not_taken_for_one_upside_down(portrait: NDArray[np.uint8]) -> None:
    size = (portrait.shape[1], portrait.shape[0])
    for degrees in (-30, -15, 15, 30):
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), degrees, 1.0)
        turned = np.asarray(cv2.warpAffine(portrait, turn, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)
        found = FaceSense(config.Face(detector="blazeface")).look(Frame(turned, 0.0))
        assert [factor(seen) for seen in found] == [1.0]


def test_the_score_upside_down_less_the_score_as_found() -> None:
    assert preference(Scores((0.9, 0.7)), PICTURE, track().face) == pytest.approx(-0.2)
    assert preference(Scores((0.7, 0.9)), PICTURE, track().face) == pytest.approx(0.2)
    # A face away from the middle belongs to another person.
    assert preference(Scores((0.7, 0.9), at=100.0), PICTURE, track().face) == 0.0


def test_the_square_lies_around_the_face_and_is_turned_about_its_middle() -> None:
    seen: list[NDArray[np.uint8]] = []

    class Looks:
        name = "haar"
        card: Card | None = None

        def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
            seen.append(image)
            return ()

    picture = PICTURE.copy()
    cv2.circle(picture, (130, 60), 8, (255, 0, 0), -1)  # above the middle of the box
    preference(Looks(), picture, track().face)
    turned, upright = (np.argwhere(image[:, :, 0] > 128).mean(0) for image in seen)
    assert upright == pytest.approx([10.5, 64], abs=1)
    assert turned == pytest.approx([116.5, 63], abs=1)


def test_somebody_is_looked_at_once_a_second_and_one_odd_look_changes_nothing() -> None:
    detector = Scores((0.9, 0.5), (0.8, 0.9), (0.7, 0.9), (0.7, 0.9), (0.9, 0.7))
    check = UprightCheck(detector)
    assert not check.inverted(1)
    judged = []
    for at in (0.0, 0.5, 0.99, 1.0, 1.5, 2.0, 3.0, 4.0):
        check.update([track()], PICTURE, at)
        judged.append(check.inverted(1))
    # −0.4, −0.15, +0.025, +0.1125, −0.04
    assert judged == [False, False, False, False, False, False, True, False]
    assert detector.looks == 10


def test_of_a_crowd_two_are_looked_at_in_a_frame_until_all_were() -> None:
    detector = Scores(*[(0.5, 0.9)] * 6)
    check = UprightCheck(detector)
    crowd = [track(person) for person in (1, 2, 3, 4, 5)]
    for at, known in ((0.0, 2), (0.1, 4), (0.2, 5), (0.3, 5)):
        check.update(crowd, PICTURE, at)
        assert sum(check.inverted(person) for person in range(1, 6)) == known
    assert detector.looks == 10


def test_departed_persons_are_forgotten_and_a_backward_clock_step_resets() -> None:
    check = UprightCheck(Scores((0.5, 0.9), (0.9, 0.5), (0.5, 0.9)))
    check.update([track()], PICTURE, 10.0)
    assert check.inverted(1)
    check.update([track()], PICTURE, 0.0)
    assert not check.inverted(1)
    check.keep({2})
    check.update([track()], PICTURE, 0.1)
    assert check.inverted(1)


def test_a_detector_that_fails_at_the_second_look_costs_no_observation(portrait: NDArray[np.uint8]) -> None:
    class Fails:
        name = "haar"
        card: Card | None = None

        def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
            if at is None:
                raise ModelError("the detector gave NaN")
            return (Detection(Box(150, 80, 150, 150), 0.9),)

    (seen,) = FaceSense(config.Face(), detector=Fails()).look(Frame(portrait, 0.0))
    assert factor(seen) == 1.0


@needs_blazeface
@pytest.mark.corpora
def test_upright_faces_keep_their_quality_and_inverted_ones_lose_it(corpora: Path) -> None:
    from models.landmarks import data

    photos = sorted((corpora / data.FOLDER / "test").glob("*.jpg"))[::4]
    assert len(photos) > 150
    detector = open_detector(config.Face(detector="blazeface"))
    wrong, found, inverted = 0, 0, 0
    for photo in photos:
        image = np.asarray(cv2.copyMakeBorder(cv2.imread(str(photo)), 60, 60, 60, 60, cv2.BORDER_REPLICATE), np.uint8)  # type: ignore[arg-type]
        for turned, picture in ((False, image), (True, on_its_head(image))):
            faces = detector.detect(picture)
            if not faces:
                continue
            check = UprightCheck(detector)
            check.update([Track(1, faces[0], 0.0)], picture, 0.0)
            if turned:
                found += 1
                inverted += check.inverted(1)
            else:
                wrong += check.inverted(1)
    assert wrong <= 1
    # BlazeFace finds a quarter of the faces that stand on their heads.
    assert found > 40
    assert inverted > 0.95 * found
