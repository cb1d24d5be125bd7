"""The larger separable residual network of Arriaga et al. (`big_XCEPTION` in their code) with published weights.

Real-time Convolutional Neural Networks for Emotion and Gender Classification, ESANN 2019.
"""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from converters.restore import give
from edge.emotions import COUNT
from models.face.pretrained import Weights

SIDE: Final = 64
"""Side in pixels to which faces were enlarged when the published networks were trained."""

_CONVOLUTIONS: Final = ("conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4")
"""Names of the plain convolutions in the published graph, in the order of the layers here."""
_SEPARABLE: Final = ("separable_conv2d_1", "separable_conv2d_2", "separable_conv2d_3", "separable_conv2d_4")
"""Names of the separable convolutions in the published graph, in the order of the layers here."""
_DEPTHWISE: Final = {
    f"{name}_depthwise": number
    for name, number in zip(_SEPARABLE, ("unknown_9", "unknown_15", "unknown_26", "unknown_32"), strict=True)
}
"""Name of the published depthwise kernel of each depthwise layer."""
_LAST: Final = ("unknown_43", "unknown_44")
"""Names of the published kernel and bias of the last convolution."""
_FOLDER: Final = "StatefulPartitionedCall/model_1/"
"""Prefix of the names in the published graph."""


def build() -> Any:
    """Network (n, 48, 48, 1) float in 0…1, resized to `SIDE`×`SIDE` pixels → (n, 7) logits; 0.21 M parameters."""
    image = keras.Input((48, 48, 1), name="face")
    out = layers.Rescaling(2.0, -1.0)(image)
    out = layers.Resizing(SIDE, SIDE, interpolation="bilinear")(out)
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
    return layers.BatchNormalization(name=f"{name}_bn")(out)


def start_from(model: Any, weights: Weights, order: tuple[int, ...], images: NDArray[np.float32]) -> None:
    """Loads the published weights into a network of `build`.

    The published weights have the normalisation folded in. The normalisation layers of `model` are set so that it
    computes the same as the original.

    Args:
        model: A network of `build`.
        weights: The published arrays.
        order: For each of our labels, its index among the published outputs.
        images: (n, 48, 48, 1) float in 0…1, on which the statistics of the normalisation layers are measured.
    """
    for layer in model.layers:
        name = layer.name
        if name in _DEPTHWISE:
            layer.set_weights([weights[_DEPTHWISE[name]]])
        elif name in (*_CONVOLUTIONS, *_SEPARABLE):
            published = f"{_FOLDER}{name}/{'separable_conv2d' if name in _SEPARABLE else 'Conv2D'}"
            give(model, layer, weights[f"{published}_weights"], weights[f"{published}_bn_offset"], images)
    kernel, bias = (weights[name] for name in _LAST)
    model.get_layer("last").set_weights([kernel[..., list(order)], bias[list(order)]])
