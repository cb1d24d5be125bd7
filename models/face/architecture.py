"""The expression net: a small residual CNN that an int8 delegate runs without a single float operation."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from edge.emotions import COUNT
from models.blocks import convolution, residual


def build(side: int = 48, widths: tuple[int, int, int] = (32, 64, 112), dropout: float = 0.2) -> Any:
    """(1, 48, 48, 1) float in 0…1 → (1, 7) logits, on the face up-sampled to `side`×`side` pixels.

    The stem halves the picture at once: a full-size first stage would be two thirds of the multiply-adds and is bound
    by memory, not by arithmetic.
    """
    image = keras.Input((48, 48, 1), name="face")
    features = layers.Rescaling(2.0, -1.0)(image)
    if side != 48:
        features = layers.Resizing(side, side, interpolation="bilinear")(features)
    features = layers.ReLU()(convolution(features, widths[0], 5, 2))
    features = residual(features, widths[0], 1)
    features = residual(features, widths[1], 2)
    features = residual(features, widths[2], 2)
    features = layers.GlobalAveragePooling2D()(features)
    features = layers.Dropout(dropout)(features)
    return keras.Model(image, layers.Dense(COUNT, name="logits")(features), name="face_expression")
