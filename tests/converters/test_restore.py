"""A float model comes back from the int8 file that was made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.restore import operations, restore
from converters.tflite import convert
from edge.errors import ConversionError

keras = pytest.importorskip("keras")


def net(side: int = 12, filters: int = 6) -> Any:
    from keras import layers

    from models.blocks import convolution

    image = keras.Input((12, 12, 2))
    features = layers.Rescaling(2.0, -1.0)(image)
    if side != 12:
        features = layers.Resizing(side, side)(features)
    features = layers.ReLU()(convolution(features, filters, 3))
    beside = layers.ReLU()(convolution(features, 2 * filters, 3, 2))
    features = layers.ReLU()(layers.Add()([beside, convolution(features, 2 * filters, 1, 2)]))
    features = layers.ReLU()(layers.DepthwiseConv2D(3)(features))
    return keras.Model(image, layers.Dense(4)(layers.GlobalAveragePooling2D()(features)))


def images(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random((count, 12, 12, 2), np.float32)


@pytest.fixture(scope="module")
def trained() -> tuple[Any, bytes]:
    """A network whose normalisation is not the identity, and its int8 file."""
    keras.utils.set_random_seed(1)
    model = net()
    model.compile("adam", keras.losses.CategoricalCrossentropy(from_logits=True))
    rows = images(256, 2)
    model.fit(rows, np.eye(4)[(rows.mean((1, 2, 3)) * 400).astype(int) % 4], epochs=3, verbose=0)
    return model, convert(model, "int8", [(row[None],) for row in rows[:64]])


def test_the_restored_model_computes_the_same_as_its_file(trained: tuple[Any, bytes]) -> None:
    model, data = trained
    other = net()
    restore(other, data, images(64, 3))
    rows = images(32, 4)
    expected = model.predict(rows, verbose=0)
    assert np.abs(other.predict(rows, verbose=0) - expected).max() < 0.05 * np.ptp(expected)


def test_training_continues_from_the_restored_model(trained: tuple[Any, bytes]) -> None:
    """With the batch's own statistics, as training normalises, the answers are the same."""
    other = net()
    rows = images(256, 3)
    restore(other, trained[1], rows)
    still, training = (np.asarray(other(rows, training=training)) for training in (False, True))
    assert np.abs(still - training).max() < 0.02 * np.ptp(still)


def test_the_same_weights_may_look_at_a_larger_picture(trained: tuple[Any, bytes]) -> None:
    nets = [net(), net(side=18)]
    for one in nets:
        restore(one, trained[1], images(64, 3))
    kernels = [[layer.get_weights()[0] for layer in one.layers if hasattr(layer, "kernel")] for one in nets]
    for kernel, same in zip(*kernels, strict=True):
        assert np.array_equal(kernel, same)


def test_kernels_and_biases_are_read_in_the_order_they_run(trained: tuple[Any, bytes]) -> None:
    found = operations(trained[1])
    assert found[0].kernel.shape == (3, 3, 2, 6)
    assert found[-1].kind == "FULLY_CONNECTED"
    assert all(one.bias.shape == (one.kernel.shape[-1] if one.kind != "DEPTHWISE_CONV_2D" else 12,) for one in found)


def test_a_layer_without_bias_has_a_bias_of_zero() -> None:
    image = keras.Input((4, 4, 3))
    out = keras.layers.Conv2D(5, 1, use_bias=False)(image)
    data = convert(keras.Model(image, out), "float32")
    assert [one.bias.tolist() for one in operations(data)] == [[0.0] * 5]


def test_another_architecture_is_refused(trained: tuple[Any, bytes]) -> None:
    with pytest.raises(ConversionError, match="has no CONV_2D"):
        restore(net(filters=8), trained[1], images(8, 3))


def test_files_that_are_not_models_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"not a \.tflite file"):
        operations(b"no model at all")


def test_a_smaller_net_is_refused(trained: tuple[Any, bytes]) -> None:
    image = keras.Input((12, 12, 2))
    dense = keras.layers.Dense(4)(keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(12, 1)(image)))
    with pytest.raises(ConversionError, match=r"has no|more operations"):
        restore(keras.Model(image, dense), trained[1], images(8, 3))
