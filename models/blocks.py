"""Layers shared by the networks that read images."""

from __future__ import annotations

from typing import Any

from keras import layers


def convolution(inputs: Any, filters: int, size: int, strides: int = 1) -> Any:
    """A convolution followed by batch normalisation; conversion folds both into one operation.

    Args:
        inputs: Feature map (n, height, width, channels).
        filters: Number of output channels.
        size: Side of the square kernel, pixels.
        strides: Step of the kernel in both directions.
    """
    features = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)(inputs)
    return layers.BatchNormalization()(features)
