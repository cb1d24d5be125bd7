"""The face sense on real pictures: the built-in clip's photograph, and pictures without a face."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.details import face_detail

from edge import config
from edge.emotions import top
from edge.errors import ModelError, SourceError
from edge.face.blazeface_file import find
from edge.face.boxes import Box, Detection
from edge.face.haar import HaarFace
from edge.face.sense import MAX_FACES, FaceSense
from edge.health import catalogue
from edge.health.registry import Registry
from edge.inference.card import Card
from edge.observation import Frame

needs_blazeface = pytest.mark.skipif(find() is None, reason="BlazeFace is not fetched (python -m models.face.fetch)")


def sense(detector: str = "haar", **settings: object) -> FaceSense:
    return FaceSense(config.Face(detector=detector, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("detector", ["haar", pytest.param("blazeface", marks=needs_blazeface)])
def test_a_smiling_portrait_is_found_and_read(portrait: NDArray[np.uint8], detector: str) -> None:
    face = sense(detector)
    (seen,) = face.look(Frame(portrait, 7.0))
    assert top(seen.posterior) == "happiness"
    assert seen.captured_at == 7.0
    assert seen.person == face.attended == 1
    assert seen.quality > 0.6
    assert face_detail(seen).detector == detector
    assert face.condition is None
    left, top_edge, width, height = face_detail(seen).box
    assert 0 < left < left + width < portrait.shape[1]
    assert 0 < top_edge < top_edge + height < portrait.shape[0]


@needs_blazeface
def test_both_detectors_agree_where_the_face_is(portrait: NDArray[np.uint8]) -> None:
    blaze = face_detail(sense("blazeface").look(Frame(portrait, 0.0))[0]).box
    haar = face_detail(sense("haar").look(Frame(portrait, 0.0))[0]).box
    centres = [(box[0] + box[2] / 2, box[1] + box[3] / 2) for box in (blaze, haar)]  # type: ignore[index]
    assert np.hypot(centres[0][0] - centres[1][0], centres[0][1] - centres[1][1]) < 0.35 * blaze[2]  # type: ignore[index]


@needs_blazeface
def test_a_turned_head_is_read_upright(portrait: NDArray[np.uint8]) -> None:
    face = sense("blazeface")
    (box,) = [face_detail(seen).box for seen in face.look(Frame(portrait, 0.0))]
    centre = (box[0] + box[2] / 2, box[1] + box[3] / 2)  # type: ignore[index]
    turn = cv2.getRotationMatrix2D(centre, 25, 1.0)
    turned = cv2.warpAffine(portrait, turn, portrait.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    (seen,) = sense("blazeface").look(Frame(np.asarray(turned, np.uint8), 1.0))
    assert top(seen.posterior) == "happiness"


def test_a_frame_without_a_face_is_reported() -> None:
    face = sense()
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    assert face.look(Frame(noise, 0.0)) == ()
    assert face.condition == "no face"
    assert face.attended is None


def test_between_detections_the_face_is_read_where_it_was(portrait: NDArray[np.uint8]) -> None:
    registry = Registry()
    face = FaceSense(config.Face(detector="haar", detect_every_s=0.2), registry)
    for i in range(10):
        assert len(face.look(Frame(portrait, i * 0.04))) == 1
    counted = {stage.name: spread.count for stage, spread in registry.snapshot().histograms.items()}
    assert counted == {"detect": 2, "track": 2, "upright": 2, "crop": 10, "landmarks": 10, "eyes": 10, "infer face": 10}


@pytest.mark.parametrize(("side", "faces"), [(16, 0), (640, 1), (4096, 1)])
def test_frames_of_any_size_and_kind_are_survived(portrait: NDArray[np.uint8], side: int, faces: int) -> None:
    scaled = np.asarray(cv2.resize(portrait, (side, side * portrait.shape[0] // portrait.shape[1])), np.uint8)
    grey = np.asarray(cv2.cvtColor(scaled, cv2.COLOR_BGR2GRAY), np.uint8)
    for i, image in enumerate((scaled, grey, cv2.cvtColor(scaled, cv2.COLOR_BGR2BGRA))):
        found = sense().look(Frame(np.asarray(image, np.uint8), float(i)))
        assert [top(seen.posterior) for seen in found] == ["happiness"] * faces
        assert all(0.5 < seen.quality <= 1 for seen in found)


def test_an_invalid_image_is_a_clear_error() -> None:
    with pytest.raises(SourceError, match="no picture"):
        sense().look(Frame(np.zeros((4, 4, 3), np.float64), 0.0))  # type: ignore[arg-type]


class Crowd:
    """Stands in for a detector: reports a given number of faces, each a little larger than the one before."""

    name = "haar"
    card: Card | None = None

    def __init__(self, count: int) -> None:
        self.faces = [
            Detection(Box(8.0 + 58 * (i % 8), 20.0 + 90 * (i // 8), 40.0 + i, 40.0 + i), 0.9) for i in range(count)
        ]
        self.looks = 0

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        if at is None:
            self.looks += 1
            return ()
        return tuple(self.faces)


def test_of_a_crowd_the_largest_are_read_and_the_rest_is_counted(portrait: NDArray[np.uint8]) -> None:
    crowd, registry = Crowd(MAX_FACES + 3), Registry()
    face = FaceSense(config.Face(), registry, detector=crowd)
    for i in (1, 2):
        widths = sorted(seen.detail.box[2] for seen in face.look(Frame(portrait, float(i))))  # type: ignore[union-attr]
        assert widths == [found.box.width for found in crowd.faces[3:]]
        assert registry.snapshot().counters[catalogue.FACES_LEFT_OUT] == 3 * i
    few = Registry()
    assert len(FaceSense(config.Face(), few, detector=Crowd(MAX_FACES)).look(Frame(portrait, 0.0))) == MAX_FACES
    assert few.snapshot().counters[catalogue.FACES_LEFT_OUT] == 0


def test_a_model_that_is_missing_or_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.json"):
        sense(model=str(tmp_path / "gone.tflite"))
    from edge import shipped

    with pytest.raises(ModelError, match="words"):
        sense(model=str(shipped.model("words", "words")))


def test_the_haar_cascade_scores_lie_between_zero_and_one(portrait: NDArray[np.uint8]) -> None:
    found = HaarFace(min_score=0.0).detect(portrait)
    assert found
    assert all(0 <= face.score <= 1 for face in found)
    assert list(found) == sorted(found, key=lambda face: -face.score)
