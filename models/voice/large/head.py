"""The head of the large voice model: a linear embedding of the encoder's statistics, compared with the baseline."""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

from models.voice.protocols.folds import OUTPUTS

EMBEDDING: Final = 128
"""Size of the embedding of an utterance."""


@keras.saving.register_keras_serializable("edge_emotion")
class Standardise(layers.Layer):  # type: ignore[misc]
    """Subtracts a mean and multiplies by a scale, both fixed."""

    def build(self, shape: Any) -> None:
        self.mean = self.add_weight(shape=(shape[-1],), name="mean", trainable=False, initializer="zeros")
        self.scale = self.add_weight(shape=(shape[-1],), name="scale", trainable=False, initializer="ones")

    def call(self, values: Any) -> Any:
        return (values - self.mean) * self.scale


def judge(embedding: Any, baseline: Any, trust: Any, outputs: int, hidden: int) -> tuple[Any, Any]:
    """Logits and affect of an utterance whose speaker has this baseline.

    Args:
        embedding: (batch, `EMBEDDING`) of the utterance.
        baseline: (batch, `EMBEDDING`) mean of the speaker's earlier ones; zeros if there are none.
        trust: (batch, 1) 0…1.
        outputs: Number of logits.
        hidden: Width of the hidden layer.

    Returns:
        (batch, outputs) logits; (batch, 2) arousal and valence.
    """
    # n / (n + 4) of the baseline for a trust of n / (n + 2): a mean of few utterances is shrunk towards the population.
    known = baseline * (trust / (2.0 - trust))
    values = layers.Concatenate()([embedding - known, known, trust])
    values = layers.Dropout(0.1, name="drop_embedding")(values)
    values = layers.BatchNormalization(name="hidden_norm")(layers.Dense(hidden, use_bias=False, name="hidden")(values))
    values = layers.Dropout(0.5, name="drop_hidden")(layers.ReLU()(values))
    return layers.Dense(outputs, name="logits")(values), ops.tanh(layers.Dense(2, name="affect")(values))


def build(size: int, outputs: int = OUTPUTS, hidden: int = 256) -> Any:
    """The part that ships per fold: (statistics, baseline, trust) → (logits, embedding, affect).

    Args:
        size: Number of statistics of the encoder.
        outputs: Number of logits; by default those of all heads of `models.voice.protocols.folds`.
        hidden: Width of the hidden layer.
    """
    statistics = keras.Input((size,), name="statistics")
    baseline = keras.Input((EMBEDDING,), name="baseline")
    trust = keras.Input((1,), name="trust")
    standard = layers.Dropout(0.1, name="drop_statistics")(Standardise(name="standard")(statistics))
    embedding = layers.Dense(EMBEDDING, use_bias=False, name="embedding")(standard)
    logits, affect = judge(embedding, baseline, trust, outputs, hidden)
    return keras.Model([statistics, baseline, trust], [logits, embedding, affect], name="voice_head")


def for_training(head: Any) -> Any:
    """(statistics, mean statistics of the baseline, trust) → (logits, affect), with the layers of `build`'s model."""
    statistics, baseline, trust = (
        keras.Input((head.inputs[0].shape[-1],)),
        keras.Input((head.inputs[0].shape[-1],)),
        keras.Input((1,)),
    )
    known = head.get_layer("embedding")(head.get_layer("standard")(baseline))
    logits, _, affect = head([statistics, known, trust])
    return keras.Model([statistics, baseline, trust], [logits, affect])
