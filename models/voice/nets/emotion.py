"""The voice net: one hidden layer over an utterance's numbers, its matrix of low rank, and a head for each corpus."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from edge.voice.standardizer import SIZE
from models.voice.protocols.folds import OUTPUTS


def build(outputs: int = OUTPUTS, rank: int = 88, hidden: int = 448) -> Any:
    """(1, 897) standardised numbers → (1, `outputs`) logits: by default all heads of `models.voice.protocols.folds`.

    Neighbouring bands say much the same: in 150 kB a wide layer through a bottleneck without activation learns more
    than a narrow one (Sainath et al., Low-rank matrix factorization for deep neural network training, ICASSP 2013).
    """
    values = keras.Input((SIZE,), name="functionals")
    features = layers.Dropout(0.2)(values)
    features = layers.BatchNormalization()(layers.Dense(rank, use_bias=False)(features))
    features = layers.BatchNormalization()(layers.Dense(hidden, use_bias=False)(features))
    features = layers.Dropout(0.5)(layers.ReLU()(features))
    return keras.Model(values, layers.Dense(outputs, name="logits")(features), name="voice_emotion")
