"""The voice network: one low-rank hidden layer over the features of an utterance, and a head for each corpus."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from edge.voice.standardizer import SIZE
from models.voice.protocols.folds import OUTPUTS


def build(outputs: int = OUTPUTS, rank: int = 88, hidden: int = 448) -> Any:
    """Network (1, 897) standardised features → (1, `outputs`) logits.

    Neighbouring bands are strongly correlated, so within 150 kB a wide layer behind a linear bottleneck learns more
    than a narrow one (Sainath et al., Low-rank matrix factorization for deep neural network training, ICASSP 2013).

    Args:
        outputs: Number of logits; by default those of all heads of `models.voice.protocols.folds`.
        rank: Width of the linear bottleneck.
        hidden: Width of the hidden layer.
    """
    values = keras.Input((SIZE,), name="functionals")
    features = layers.Dropout(0.2)(values)
    features = layers.BatchNormalization()(layers.Dense(rank, use_bias=False)(features))
    features = layers.BatchNormalization()(layers.Dense(hidden, use_bias=False)(features))
    features = layers.Dropout(0.5)(layers.ReLU()(features))
    return keras.Model(values, layers.Dense(outputs, name="logits")(features), name="voice_emotion")
