"""A pruned network approximates the wide one as well as its channels allow."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[train]')")

import keras

from models.face.nets import mobilenet
from models.face.nets.pruning import _independent, prune

FILTERS = (8, 16, 16, 32)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth ones, light and dark."""
    rng = np.random.default_rng(3)
    coarse = rng.random((400, 6, 6, 1)) * rng.uniform(0.3, 1.0, (400, 1, 1, 1))
    return np.asarray(keras.ops.image.resize(coarse.astype(np.float32), (48, 48)))


@pytest.fixture(scope="module")
def wide(images: np.ndarray) -> Any:
    """Random weights; of the first convolution's channels, every second is the one before it."""
    keras.utils.set_random_seed(5)
    model = mobilenet.build(FILTERS, side=48, first=8)
    for name, every_second in (("conv1", np.s_[..., 0::2]), ("conv_dw_1", np.s_[:, :, 0::2])):
        kernel, _ = model.get_layer(name).get_weights()
        axis = 3 if name == "conv1" else 2
        model.get_layer(name).set_weights([np.repeat(kernel[every_second], 2, axis), np.full(8, 0.1, np.float32)])
    logits = model.get_layer("logits")
    spread = model.predict(images, verbose=0).std()
    logits.set_weights([logits.get_weights()[0] / spread, logits.get_weights()[1]])
    return model


def error(wide: Any, narrow: Any, images: np.ndarray) -> float:
    """Share of the variance of the logits that the narrow net does not explain."""
    wanted, found = (model.predict(images, verbose=0) for model in (wide, narrow))
    return float(((wanted - found) ** 2).sum() / ((wanted - wanted.mean(0)) ** 2).sum())


def test_a_net_as_wide_computes_the_same(wide: Any, images: np.ndarray) -> None:
    same = mobilenet.build(FILTERS, side=48, first=8)
    prune(wide, same, images)
    assert error(wide, same, images) < 1e-3


def test_channels_that_say_nothing_new_cost_nothing(wide: Any, images: np.ndarray) -> None:
    narrow = mobilenet.build(FILTERS, side=48, first=4)
    prune(wide, narrow, images)
    assert error(wide, narrow, images) < 1e-3


def test_half_the_channels_say_most(wide: Any, images: np.ndarray) -> None:
    narrow = mobilenet.build((8, 8, 8, 16), side=48, first=4)
    untouched = error(wide, narrow, images)
    prune(wide, narrow, images)
    assert error(wide, narrow, images) < 0.5 < untouched


def test_of_two_channels_that_are_alike_one_stays() -> None:
    rng = np.random.default_rng(1)
    seen = rng.normal(size=(200, 3)).astype(np.float32)
    twice = np.column_stack([seen, 0.9 * seen[:, 0]])
    assert _independent(twice, np.ones((4, 2)), 3).tolist() == [0, 1, 2]
    # Channels that no later layer uses are removed first.
    assert _independent(seen, np.diag([1.0, 0.0, 1.0]), 2).tolist() == [0, 2]
