"""The words net: hashed embeddings, a convolution over neighbours, attention over time."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

from edge.emotions import COUNT
from edge.words.features import BUCKETS, KINDS, LENGTH


def build(width: int = 32, filters: int = 96, dropout: float = 0.5) -> Any:
    """(1, 40, 3) int32 bucket numbers → (1, 7) logits, one a label, each for a sigmoid of its own.

    Pooling by additive attention (Bahdanau et al., ICLR 2015) beside the maximum; padding takes part in neither.
    """
    table = keras.Input((LENGTH, KINDS), dtype="int32", name="ids")
    word = ops.cast(ops.greater(table[:, :, :1], 0), "float32")
    embedded = layers.Embedding(BUCKETS, width, name="buckets")(table)
    summed = ops.sum(embedded, axis=2)
    summed = layers.Multiply()([layers.SpatialDropout1D(dropout / 2)(summed), word])
    features = layers.Concatenate()([summed, layers.Conv1D(filters, 3, padding="same", activation="relu")(summed)])
    features = layers.Dropout(dropout / 2)(features)
    score = layers.Dense(1)(layers.Dense(32, activation="tanh")(features))
    attention = layers.Softmax(axis=1)(score - 30.0 * (1.0 - word))
    mean = ops.sum(features * attention, axis=1)
    peak = layers.GlobalMaxPooling1D()(layers.Multiply()([features, word]))
    pooled = layers.Dropout(dropout)(layers.Concatenate()([mean, peak]))
    return keras.Model(table, layers.Dense(COUNT, name="logits")(pooled), name="words_emotion")
