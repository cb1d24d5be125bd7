"""The side of the crop that an expression model takes, as its card says."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

from support.keras_models import convert_here

from converters.cards import make_card, save
from edge import config
from edge.errors import ModelError
from edge.face.crop import FRAMINGS, MAX_SIDE, as_input, crop, front_end, resampled, view
from edge.face.expression import Expression
from edge.face.haar import HaarFace
from edge.face.sense import FaceSense
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from edge.observation import Frame

SIDE = 112


@functools.cache
def converted(side: int) -> bytes:
    """A net with random weights for crops of `side` pixels, in float so that every pixel counts."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    face = keras.Input((side, side, 1), name="face")
    logits = layers.Dense(7, name="logits")(layers.Flatten()(layers.AveragePooling2D(4)(face)))
    return convert_here(keras.Model(face, logits), "float32", None)


def stored(folder: Path, side: int, entry: dict[str, Any]) -> Path:
    path = folder / "expression.tflite"
    data = converted(side)
    save(data, make_card(data, name="stand-in", task="face", file=path.name, front_end=entry), path)
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    return stored(tmp_path, SIDE, front_end(SIDE))


def test_the_side_is_that_of_the_card(large: Path) -> None:
    expression = Expression(large)
    assert expression.side == SIDE
    face = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    expected = Interpreter(large.read_bytes()).run(as_input(face))[0][0]
    np.testing.assert_array_equal(expression.logits(face), expected)


def test_a_crop_of_another_side_is_resampled(large: Path) -> None:
    expression = Expression(large)
    face = np.random.default_rng(0).integers(0, 256, (48, 48), np.uint8)
    enlarged = np.asarray(cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.uint8)
    np.testing.assert_array_equal(expression.logits(face), expression.logits(enlarged))
    assert resampled(face, 48) is face
    assert resampled(enlarged, 48).shape == (48, 48)


def test_the_face_sense_cuts_the_crop_from_the_frame_at_that_side(large: Path, portrait: NDArray[np.uint8]) -> None:
    """Not from a smaller crop: a face near the camera has more pixels than 48×48."""
    settings = config.Face(detector="haar", landmarks=False, model=str(large))
    (seen,) = FaceSense(settings).look(Frame(portrait, 0.0))
    (face,) = HaarFace(config.Face().min_score).detect(portrait)
    grey = np.asarray(cv2.cvtColor(portrait, cv2.COLOR_BGR2GRAY), np.uint8)
    expression = Expression(large)
    fine = view(face, FRAMINGS["haar"], SIDE).cut(grey)
    np.testing.assert_allclose(seen.posterior, softmax(expression.logits(fine)), rtol=1e-5)
    coarse = softmax(expression.logits(crop(grey, face, FRAMINGS["haar"])))
    assert np.abs(np.array(seen.posterior) - coarse).max() > 1e-4


@pytest.mark.parametrize(
    "entry",
    [
        {**front_end(SIDE), "side": 48},
        {**front_end(SIDE), "side": float(SIDE)},
        {**front_end(SIDE), "side": str(SIDE)},
        {**front_end(SIDE), "range": [0.0, 255.0]},
        {"name": "grey112", "side": True, "range": [0.0, 1.0]},
        front_end(MAX_SIDE + 1),
        front_end(0),
    ],
)
def test_a_card_with_another_side_than_its_name_or_beyond_the_limit_is_refused(
    tmp_path: Path, entry: dict[str, Any]
) -> None:
    with pytest.raises(ModelError, match="wants the front end") as caught:
        Expression(stored(tmp_path, SIDE, entry))
    assert "\n" not in str(caught.value)


def test_a_card_whose_side_is_not_that_of_the_tensor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="correct the card's front_end"):
        Expression(stored(tmp_path, SIDE, front_end(96)))
