"""The larger of the separable residual nets of Arriaga et al., Real-time Convolutional Neural Networks for Emotion and
Gender Classification (ESANN 2019), `big_XCEPTION` in their code, with the weights of a published model of it."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge.emotions import COUNT
from models.face.pretrained import Weights

_CONVOLUTIONS: Final = ("conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4")
_SEPARABLE: Final = ("separable_conv2d_1", "separable_conv2d_2", "separable_conv2d_3", "separable_conv2d_4")
_DEPTHWISE: Final = ("unknown_9", "unknown_15", "unknown_26", "unknown_32")
_LAST: Final = ("unknown_43", "unknown_44")
_FOLDER: Final = "StatefulPartitionedCall/model_1/"
"""The published graph's names, in the order of the layers here."""


def build(side: int = 64) -> Any:
    """(n, 48, 48, 1) float in 0…1, seen as `side`×`side` pixels → (n, 7) logits; 0.21 M parameters."""
    image = keras.Input((48, 48, 1), name="face")
    out = layers.Rescaling(2.0, -1.0)(image)
    out = layers.Resizing(side, side, interpolation="bilinear")(out)
    for number, (filters, strides) in enumerate(((32, 2), (64, 1))):
        out = layers.ReLU()(_convolution(out, filters, 3, strides, _CONVOLUTIONS[number], "valid"))
    for number, filters in enumerate((128, 256)):
        shortcut = _convolution(out, filters, 1, 2, _CONVOLUTIONS[2 + number], "same")
        out = layers.ReLU()(out) if number else out
        for last in (False, True):
            name = _SEPARABLE[2 * number + last]
            out = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")(out)
            out = _convolution(out, filters, 1, 1, name, "valid")
            out = out if last else layers.ReLU()(out)
        out = layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(out), shortcut])
    out = layers.Conv2D(COUNT, 3, padding="same", name="last")(out)
    return keras.Model(image, layers.GlobalAveragePooling2D(name="logits")(out), name="face_xception")


def _convolution(inputs: Any, filters: int, size: int, strides: int, name: str, padding: str) -> Any:
    out = layers.Conv2D(filters, size, strides=strides, padding=padding, use_bias=False, name=name)(inputs)
    return layers.BatchNormalization(momentum=0.95, name=f"{name}_bn")(out)


def start_from(model: Any, weights: Weights, order: tuple[int, ...], images: NDArray[np.float32]) -> None:
    """Gives `model` (of `build`) the published weights, whose classes stand in another `order`.

    Their normalisation is folded into the convolutions; where `model` normalises, the statistics are measured on
    `images` (n, 48, 48, 1) and set so that the net computes what the original does.
    """
    for depthwise, name in zip(_DEPTHWISE, _SEPARABLE, strict=True):
        model.get_layer(f"{name}_depthwise").set_weights([weights[depthwise]])
    for name, suffix in (
        *((name, "/Conv2D") for name in _CONVOLUTIONS[:2]),
        *((name, "/separable_conv2d") for name in _SEPARABLE[:2]),
        (_CONVOLUTIONS[2], "/Conv2D"),
        *((name, "/separable_conv2d") for name in _SEPARABLE[2:]),
        (_CONVOLUTIONS[3], "/Conv2D"),
    ):
        layer, normal = model.get_layer(name), model.get_layer(f"{name}_bn")
        layer.set_weights([weights[f"{_FOLDER}{name}{suffix}_weights"]])
        responses = keras.Model(model.input, layer.output).predict(images, batch_size=64, verbose=0)
        mean, variance = responses.mean((0, 1, 2)), responses.var((0, 1, 2))
        spread = np.sqrt(variance + normal.epsilon)
        normal.set_weights([spread, weights[f"{_FOLDER}{name}{suffix}_bn_offset"] + mean, mean, variance])
    kernel, bias = (weights[name] for name in _LAST)
    model.get_layer("last").set_weights([kernel[..., list(order)], bias[list(order)]])
