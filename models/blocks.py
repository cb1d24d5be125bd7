"""Building blocks that the image-like nets share."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray


def convolution(inputs: Any, filters: int, size: int, strides: int = 1) -> Any:
    """Convolution and batch normalisation, which conversion folds into one operation."""
    features = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(inputs)
    return layers.BatchNormalization()(features)


def residual(inputs: Any, filters: int, strides: int) -> Any:
    """Two 3×3 convolutions beside a shortcut (He et al., Deep Residual Learning, CVPR 2016)."""
    features = layers.ReLU()(convolution(inputs, filters, 3, strides))
    features = convolution(features, filters, 3)
    if strides > 1 or inputs.shape[-1] != filters:
        inputs = convolution(inputs, filters, 1, strides)
    return layers.ReLU()(layers.Add()([features, inputs]))


def normalise_as_folded(model: Any, name: str, offset: NDArray[np.float32], images: NDArray[np.float32]) -> None:
    """Lets the layer `name`_bn of `model` add `offset` to what the layer `name` gives, as it did when folded into it.

    Its statistics are measured on `images`, so that training goes on from what it will see. Whatever lies before the
    layer must have its weights already.
    """
    normal = model.get_layer(f"{name}_bn")
    responses = keras.Model(model.input, model.get_layer(name).output).predict(images, batch_size=64, verbose=0)
    mean, variance = responses.mean((0, 1, 2)), responses.var((0, 1, 2))
    normal.set_weights([np.sqrt(variance + normal.epsilon), offset + mean, mean, variance])
