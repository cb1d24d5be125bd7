"""Building blocks that the image-like nets share."""

from __future__ import annotations

from typing import Any

from keras import layers


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
