"""The first blocks of MobileNet v1 on an up-sampled face, initialised from a face-recognition network.

Howard et al., MobileNets, 2017. A network pretrained on faces needs far fewer of FER2013's noisy labels than one with
random weights (Savchenko, Facial expression and attributes recognition based on multi-task learning, SISY 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from converters.restore import give
from edge.emotions import COUNT
from models.face.pretrained import Weights

STEM_BLOCKS: Final = 3
"""Number of first blocks whose normalisation is folded into the convolutions; they can be trained or frozen."""
FILTERS: Final = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512)
"""Filters of the pointwise convolutions of the separable blocks in the original network."""
STRIDES: Final = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1)
"""Strides of the depthwise convolutions of the separable blocks."""
_LEVEL: Final = 255.0
"""White level of the original network's input; the factor is folded into the first convolution."""
_MEAN: Final = 117.0
"""Mean level that the original network subtracts from its input; it is folded into the first convolution."""


def features(image: Any, filters: Sequence[int], side: int = 96, first: int = 32) -> Any:
    """Feature map of a face after `len(filters)` separable blocks.

    Args:
        image: (n, h, w, 1) float in 0…1.
        filters: Filters of the pointwise convolution of each separable block.
        side: Side of the square, pixels, to which the face is resized first, unless it has that side.
        first: Filters of the convolution before the separable blocks.
    """
    out = image if image.shape[1] == side else layers.Resizing(side, side, interpolation="bilinear")(image)
    out = layers.Conv2D(first, 3, strides=2, padding="same", name="conv1")(out)
    out = layers.ReLU(6.0)(out)
    for number, (width, strides) in enumerate(zip(filters, STRIDES, strict=False), 1):
        folded = number <= STEM_BLOCKS
        for layer in (
            layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=folded, name=f"conv_dw_{number}"),
            layers.Conv2D(width, 1, use_bias=folded, name=f"conv_pw_{number}"),
        ):
            out = layer(out)
            if not folded:
                out = layers.BatchNormalization(momentum=0.95, name=f"{layer.name}_bn")(out)
            out = layers.ReLU(6.0)(out)
    return out


def build(filters: Sequence[int], side: int = 96, first: int = 32, dropout: float = 0.3, given: int = 48) -> Any:
    """The expression network: (n, given, given, 1) float in 0…1 → (n, 7) logits.

    Args:
        filters: Filters of the pointwise convolution of each separable block.
        side: Side of the square, pixels, to which the face is resized first.
        first: Filters of the convolution before the separable blocks.
        dropout: Share of features dropped before the last layer.
        given: Side of the faces that the network is given, pixels.
    """
    image = keras.Input((given, given, 1), name="face")
    pooled = layers.GlobalAveragePooling2D(name="pooled")(features(image, filters, side, first))
    pooled = layers.Dropout(dropout)(pooled)
    return keras.Model(image, layers.Dense(COUNT, name="logits")(pooled), name=f"face_mobilenet_{len(filters)}")


def start_from(model: Any, weights: Weights, images: NDArray[np.float32]) -> None:
    """Loads the pretrained weights into the convolutions.

    The published weights have the normalisation folded in. The normalisation layers of `model` are set so that it
    computes the same as the original.

    Args:
        model: A network of `features`.
        weights: The published arrays.
        images: (n, 48, 48, 1) float in 0…1, on which the statistics of the normalisation layers are measured.
    """
    kernel = weights["conv1/convolution/merged_input"].sum(2, keepdims=True)  # a grey image has equal colours
    offset = weights["conv1_bn/batchnorm_1/sub"] - _MEAN * kernel.sum((0, 1, 2))
    model.get_layer("conv1").set_weights([kernel * _LEVEL, offset])
    for layer in model.layers:
        if not layer.name.startswith("conv_") or layer.name.endswith("_bn"):
            continue
        name = layer.name
        offset = weights[f"{name}_bn/batchnorm_1/sub"]
        if name.startswith("conv_dw"):
            scale = weights[f"{name}_bn/batchnorm_1/mul"]
            kernel = weights[f"{name}/depthwise_kernel"] * scale[None, None, :, None]
        else:
            kernel = weights[f"{name}/convolution/merged_input"]
            # A narrower last block keeps the filters with the largest weights.
            kept = np.sort(np.argsort(-np.abs(kernel).sum((0, 1, 2)))[: layer.filters])
            kernel, offset = kernel[..., kept], offset[kept]
        give(model, layer, kernel, offset, images)


def freeze_stem(model: Any, frozen: bool) -> None:
    """Freezes or unfreezes the folded blocks; frozen ones make an epoch faster. Compile the model afterwards."""
    for layer in model.layers:
        number = layer.name.removesuffix("_bn").rpartition("_")[2]
        if layer.name == "conv1" or (layer.name.startswith("conv_") and int(number) <= STEM_BLOCKS):
            layer.trainable = not frozen
