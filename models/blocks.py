"""What the image-like nets share."""

from __future__ import annotations

from typing import Any

from keras import layers


def convolution(inputs: Any, filters: int, size: int, strides: int = 1) -> Any:
    """Convolution and batch normalisation, which conversion folds into one operation."""
    features = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(inputs)
    return layers.BatchNormalization()(features)
