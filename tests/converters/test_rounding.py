"""Weights rounded in view of each other answer more as the float model does than weights each rounded for itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

import keras
from keras import layers

from converters.restore import operations
from converters.rounding import round_kernel, rounded
from converters.tflite import convert
from edge.inference.interpreter import Interpreter


def correlated(count: int, width: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(count, 3)) @ rng.normal(size=(3, width)) + 0.1 * rng.normal(size=(count, width))


def test_every_weight_is_on_a_step_and_the_largest_stays() -> None:
    kernel = np.random.default_rng(1).normal(size=(24, 8))
    found = round_kernel(kernel, np.cov(correlated(500, 24, 2), rowvar=False))
    largest = np.abs(kernel).max(0)
    assert np.abs(found).max(0) == pytest.approx(largest)
    levels = found / largest * 127
    assert levels == pytest.approx(np.round(levels), abs=1e-6)


def test_the_error_is_far_below_that_of_the_nearest_steps() -> None:
    kernel = np.random.default_rng(1).normal(size=(24, 8))
    inputs = correlated(500, 24, 2)
    steps = np.abs(kernel).max(0) / 127
    nearest = np.round(kernel / steps) * steps
    found = round_kernel(kernel, np.cov(inputs, rowvar=False))
    errors = [((inputs - inputs.mean(0)) @ (one - kernel)).std() for one in (nearest, found)]
    assert errors[1] < 0.5 * errors[0]


def test_inputs_that_never_change_are_rounded_to_the_nearest_step() -> None:
    kernel = np.random.default_rng(1).normal(size=(9, 4))
    steps = np.abs(kernel).max(0) / 127
    assert round_kernel(kernel, np.zeros((9, 9))) == pytest.approx(np.round(kernel / steps) * steps)
    assert not round_kernel(np.zeros((9, 4)), np.eye(9)).any()


@pytest.fixture(scope="module")
def trained() -> tuple[Any, list[tuple[np.ndarray, ...]]]:
    """A net with normalised and plain convolutions, strides and both kinds of padding, and pictures for it."""
    keras.utils.set_random_seed(4)
    picture = keras.Input((16, 16, 1))
    maps = layers.ReLU()(layers.Conv2D(12, 3, strides=2, padding="same")(picture))
    maps = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3, use_bias=False)(maps)))
    maps = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(24, 1, use_bias=False)(maps)))
    model = keras.Model(picture, layers.Dense(5)(layers.GlobalAveragePooling2D()(maps)))
    rng = np.random.default_rng(6)
    pictures = np.asarray(keras.ops.image.resize(rng.random((300, 5, 5, 1), np.float32), (16, 16)))
    model.compile("adam", keras.losses.MeanSquaredError())
    model.fit(pictures, pictures.reshape(300, -1)[:, ::60], epochs=3, verbose=0)
    return model, [(one[None],) for one in pictures]


def test_the_model_itself_is_left_alone_and_answers_nearly_the_same(trained: Any) -> None:
    model, rows = trained
    before = [one.copy() for one in model.get_weights()]
    images = np.concatenate([row[0] for row in rows])
    exact, found = (one.predict(images, verbose=0) for one in (model, rounded(model, rows)))
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert 0 < np.abs(exact - found).max() < 0.02 * np.ptp(exact)
    assert np.abs((exact - found).mean(0)).max() < 0.002 * np.ptp(exact)


def test_the_converter_keeps_every_step(trained: Any) -> None:
    model, rows = trained
    steady = rounded(model, rows)
    first = operations(convert(steady, "int8", rows[:50]))[0]
    np.testing.assert_allclose(first.kernel, steady.layers[1].get_weights()[0], rtol=1e-5, atol=1e-7)


def test_the_file_comes_nearer_to_the_float_model(trained: Any) -> None:
    model, rows = trained
    errors = []
    for one in (model, rounded(model, rows)):
        interpreter = Interpreter(convert(one, "int8", rows[:50], integer_io=False))
        found = np.concatenate([interpreter.run(*row)[0] for row in rows])
        errors.append(np.square(found - model.predict(np.concatenate([row[0] for row in rows]), verbose=0)).mean())
    assert errors[1] < errors[0]
