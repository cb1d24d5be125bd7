"""The voice net: a small residual CNN over the log-mel, pooled over time."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from edge.emotions import COUNT
from edge.voice.logmel import BANDS, FRAMES
from models.blocks import convolution, residual


def build(widths: tuple[int, int, int, int] = (24, 32, 48, 64), dropout: float = 0.3) -> Any:
    """(1, 64, 188, 1) float in 0…1 → (1, 7) logits.

    Time is pooled by mean and maximum, so that a short utterance in a padded window is not diluted; where in the
    spectrum something lies is kept, since pitch and formants say more than their presence.
    """
    mel = keras.Input((BANDS, FRAMES, 1), name="logmel")
    features = layers.Rescaling(4.0, -1.2)(mel)
    features = layers.ReLU()(convolution(features, widths[0], 5, 2))
    for width in widths[1:]:
        features = residual(features, width, 2)
    bands, frames = features.shape[1:3]
    mean = layers.AveragePooling2D((1, frames))(features)
    peak = layers.MaxPooling2D((1, frames))(features)
    features = layers.Concatenate()([mean, peak])
    features = layers.Reshape((bands * features.shape[-1],))(features)
    features = layers.Dropout(dropout)(features)
    return keras.Model(mel, layers.Dense(COUNT, name="logits")(features), name="voice_emotion")
