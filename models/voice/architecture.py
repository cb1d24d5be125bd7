"""The voice net: one hidden layer over the functionals, and a head for each corpus's classes."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from edge.voice.functionals import SIZE
from models.voice.folds import OUTPUTS


def build(outputs: int = OUTPUTS, hidden: int = 160) -> Any:
    """(1, 860) standardised functionals → (1, `outputs`) logits: by default all heads of `models.voice.folds`."""
    values = keras.Input((SIZE,), name="functionals")
    features = layers.Dropout(0.2)(values)
    features = layers.Dense(hidden, use_bias=False)(features)
    features = layers.ReLU()(layers.BatchNormalization()(features))
    features = layers.Dropout(0.5)(features)
    return keras.Model(values, layers.Dense(outputs, name="logits")(features), name="voice_emotion")
