"""The small voice network: convolutions over the spectrogram beside functionals, the speaker's baseline, and heads."""

from __future__ import annotations

from typing import Any, Final

import keras
from keras import layers, ops

from edge.voice.logmel import BANDS, FRAMES
from edge.voice.packed import SIZE as FEATURES
from models.voice.protocols.folds import OUTPUTS

CHANNELS: Final = 104
"""Channels of the convolutions over time."""
STEPS: Final = FRAMES // 4
"""Steps of the convolutions' output, 64 ms each."""
PARTS: Final = 4
"""Groups of channels that are each pooled with their own attention over time."""
HALF: Final = 64
"""Embedding values from the spectrogram, and as many from the functionals."""
EMBEDDING: Final = 2 * HALF
"""Size of the embedding whose mean over earlier utterances is the speaker's baseline."""
HIDDEN: Final = 224
"""Width of the hidden layer between the embedding and the heads."""
TEACHER: Final = 64
"""Number of principal components of the teacher's features."""


def trunk() -> Any:
    """Network (1, 12929) packed features → (1, 128) embedding and (1, 47, 104) output of the convolutions.

    The embedding is linear in the functionals, so that subtracting a baseline from it subtracts the functionals' mean.
    """
    packed = keras.Input((FEATURES,), name="features")
    mel = layers.Reshape((FRAMES, BANDS))(packed[:, : FRAMES * BANDS])
    steps = _convolution(mel, 5, 2)
    steps = _convolution(steps, 3, 2)
    for _ in range(2):
        inner = layers.Conv1D(CHANNELS, 3, padding="same", use_bias=False)(steps)
        steps = layers.ReLU()(layers.Add()([steps, layers.BatchNormalization()(inner)]))
    heard = layers.Dense(HALF, use_bias=False, name="heard")(layers.Dropout(0.2)(_pooled(steps)))
    values = layers.Dropout(0.2)(packed[:, FRAMES * BANDS :])
    said = layers.Dense(HALF, use_bias=False, name="functionals")(values)
    embedding = layers.Concatenate(name="embedding")(
        [_centred(heard, "heard_norm"), _centred(said, "functionals_norm")]
    )
    return keras.Model(packed, [embedding, steps], name="trunk")


def head(outputs: int = OUTPUTS) -> Any:
    """Network (1, 257) → (1, `outputs`) logits and (1, 2) arousal and valence.

    Its input is the embedding, the baseline times the trust in it, and the trust, side by side.
    """
    known = keras.Input((2 * EMBEDDING + 1,), name="known")
    hidden = layers.Dense(HIDDEN, use_bias=False)(known)
    hidden = layers.Dropout(0.5)(layers.ReLU()(layers.BatchNormalization()(hidden)))
    logits = layers.Dense(outputs, name="logits")(hidden)
    affect = layers.Dense(2, activation="tanh", name="affect")(hidden)
    return keras.Model(known, [logits, affect], name="head")


def device(trunk: Any, head: Any) -> Any:
    """The network as it ships: features, baseline and trust → logits, embedding, and arousal and valence."""
    packed = keras.Input((FEATURES,), name="features")
    baseline = keras.Input((EMBEDDING,), name="baseline")
    trust = keras.Input((1,), name="trust")
    embedding = trunk(packed)[0]
    logits, affect = head(ops.concatenate([embedding, baseline * trust, trust], axis=-1))
    return keras.Model([packed, baseline, trust], [logits, embedding, affect], name="voice_small")


def student(trunk: Any, head: Any, rows: int) -> Any:
    """The network in training, which learns from a teacher's features beside the labels.

    Inputs are the packed features of a batch of `rows` clips, and two (rows, rows) matrices: the first weighs the
    embeddings of the batch into each clip's baseline times its trust, the second mixes clips (mixup).
    """
    packed = keras.Input((FEATURES,), name="features")
    baselines = keras.Input((rows,), name="baselines")
    mixing = keras.Input((rows,), name="mixing")
    embedding, steps = trunk(packed)
    logits, affect = head(ops.matmul(mixing, _known(embedding, baselines)))
    frames = layers.Dense(TEACHER, name="frames")(steps)
    clip = layers.Dense(TEACHER, name="clip")(embedding[:, :HALF])
    return keras.Model([packed, baselines, mixing], [logits, affect, frames, clip], name="student")


def listener(trunk: Any) -> Any:
    """The part of a trunk that reads the spectrogram: packed features → (1, 208) statistics of the convolutions."""
    return keras.Model(trunk.inputs, trunk.get_layer("heard").input)


def pupil(trunk: Any, head: Any, rows: int) -> Any:
    """The network in its second training: all layers after the convolutions, which it shares with trunk and head.

    Inputs are the statistics of the convolutions, the functionals, and the two matrices of `student`.
    """
    statistics = keras.Input((2 * CHANNELS,), name="statistics")
    values = keras.Input((FEATURES - FRAMES * BANDS,), name="values")
    baselines = keras.Input((rows,), name="baselines")
    mixing = keras.Input((rows,), name="mixing")
    parts = [
        trunk.get_layer(f"{name}_norm")(trunk.get_layer(name)(layers.Dropout(0.2)(part)))
        for name, part in (("heard", statistics), ("functionals", values))
    ]
    known = _known(layers.Concatenate()(parts), baselines)
    return keras.Model([statistics, values, baselines, mixing], head(ops.matmul(mixing, known)), name="pupil")


def _known(embedding: Any, baselines: Any) -> Any:
    """(rows, 257) input of the head for a batch whose baselines are made of its own embeddings."""
    trust = ops.sum(baselines, axis=1, keepdims=True)
    return ops.concatenate([embedding, ops.matmul(baselines, embedding), trust], axis=1)


def _convolution(values: Any, width: int, stride: int) -> Any:
    values = layers.Conv1D(CHANNELS, width, strides=stride, padding="same", use_bias=False)(values)
    return layers.ReLU()(layers.BatchNormalization()(values))


def _pooled(steps: Any) -> Any:
    """(1, 208): mean over time of each channel, weighted by attention, and the mean excess over it.

    The excess takes the place of the standard deviation, whose squares 8 bits resolve badly.
    """
    size = CHANNELS // PARTS
    attention = layers.Permute((2, 1))(layers.Dense(PARTS, name="attention")(steps))
    attention = layers.Permute((2, 1))(layers.Softmax()(attention))
    weights = layers.Reshape((STEPS, PARTS, 1))(attention)
    values = layers.Reshape((STEPS, PARTS, size))(steps)
    mean = ops.sum(values * weights, axis=1, keepdims=True)
    excess = ops.sum(ops.relu(values - mean) * weights, axis=1)
    return layers.Concatenate()([layers.Reshape((CHANNELS,))(mean), layers.Reshape((CHANNELS,))(excess)])


def _centred(values: Any, name: str) -> Any:
    """Scales each value to mean 0 and variance 1 over the training data."""
    return layers.BatchNormalization(center=False, scale=False, name=name)(values)
