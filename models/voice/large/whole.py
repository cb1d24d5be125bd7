"""The whole large voice model: Whisper's first layers, their statistics, and a head, in one Keras model."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from edge.voice.whisper_mel import BANDS, FRAMES
from models.voice.large import head as heads
from models.voice.large.features import LAYERS
from models.voice.protocols.folds import OUTPUTS, SHARED, SIZES, head
from models.voice.whisper import encoder
from models.voice.whisper.pooling import sounding, statistics
from models.voice.whisper.weights import Weights


def only(model: Any, name: str) -> Any:
    """A head of `large.head.build` with only the logits of the protocols' head `name`."""
    size = model.inputs[0].shape[-1]
    small = heads.build(size, SIZES[name])
    for layer in model.layers:
        if layer.name != "logits" and layer.weights:
            small.get_layer(layer.name).set_weights(layer.get_weights())
    kernel, bias = model.get_layer("logits").get_weights()
    small.get_layer("logits").set_weights([kernel[:, head(name)], bias[head(name)]])
    return small


def build(weights: Weights, trained: Any) -> Any:
    """(log-mel, baseline, trust) → (logits of the seven labels, embedding, affect, statistics of the encoder).

    Args:
        weights: Whisper's weights.
        trained: A head of `large.head.build` with the logits of all heads of the protocols.
    """
    assert trained.get_layer("logits").units == OUTPUTS
    depth = max(LAYERS)
    mel = keras.Input((FRAMES, BANDS), name="mel")
    baseline = keras.Input((heads.EMBEDDING,), name="baseline")
    trust = keras.Input((1,), name="trust")
    listener = encoder.build(depth)
    encoder.load(listener, weights, depth)
    outputs, mask = listener(mel), sounding(mel)
    parts = [statistics(outputs[number], mask) for number in LAYERS]
    values = layers.Concatenate(name="statistics")(parts)
    logits, embedding, affect = only(trained, SHARED)([values, baseline, trust])
    return keras.Model([mel, baseline, trust], [logits, embedding, affect, values], name="voice_large")
