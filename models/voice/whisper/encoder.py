"""Whisper's encoder in Keras, cut after its first layers and to windows of three seconds."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from edge.voice.whisper_mel import BANDS, FRAMES
from models.voice.whisper.weights import Weights

WIDTH: Final = 384
"""Width of the encoder of `tiny.en`."""
HEADS: Final = 6
"""Attention heads of each layer."""
STEPS: Final = FRAMES // 2
"""Positions of a window of three seconds, 20 ms each."""
PEAK: Final = 1.0
"""Decimal logarithm of the power that the loudest cell of a log-mel is given: the median of close speech at full scale,
where Whisper has learnt."""


def attention(values: Any, name: str) -> Any:
    """Self-attention over (batch, steps, `WIDTH`) with dense layers, which convert to plain matrix products."""
    width = WIDTH // HEADS

    def heads(part: Any) -> Any:
        return ops.transpose(ops.reshape(part, (-1, STEPS, HEADS, width)), (0, 2, 1, 3))

    query = heads(layers.Dense(WIDTH, name=f"{name}_query")(values))
    key = heads(layers.Dense(WIDTH, use_bias=False, name=f"{name}_key")(values))
    value = heads(layers.Dense(WIDTH, name=f"{name}_value")(values))
    weights = ops.softmax(ops.matmul(query, ops.transpose(key, (0, 1, 3, 2))), axis=-1)
    mixed = ops.reshape(ops.transpose(ops.matmul(weights, value), (0, 2, 1, 3)), (-1, STEPS, WIDTH))
    return layers.Dense(WIDTH, name=f"{name}_out")(mixed)


def block(values: Any, name: str) -> Any:
    """One layer of the encoder: attention and a feed-forward part, each behind a layer normalisation."""
    normal = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_attention_norm")(values)
    values = values + attention(normal, name)
    normal = layers.LayerNormalization(epsilon=1e-5, name=f"{name}_norm")(values)
    hidden = ops.gelu(layers.Dense(4 * WIDTH, name=f"{name}_wide")(normal), approximate=True)
    return values + layers.Dense(WIDTH, name=f"{name}_narrow")(hidden)


@keras.saving.register_keras_serializable("edge_emotion")
class Positions(layers.Layer):  # type: ignore[misc]
    """Adds a vector for each position."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=(STEPS, WIDTH), name="table")

    def call(self, values: Any) -> Any:
        return values + self.table


def stem(mel: Any) -> Any:
    """(batch, `FRAMES`, `BANDS`) log-mel of `edge.voice.whisper_mel` → (batch, `STEPS`, `WIDTH`)."""
    values = mel * 2.0 + (PEAK - 4) / 4  # Whisper's own scale: (log10 of the power + 4) / 4
    for name, stride in (("conv1", 1), ("conv2", 2)):
        values = layers.ZeroPadding1D(1)(values)
        values = ops.gelu(layers.Conv1D(WIDTH, 3, stride, name=name)(values), approximate=True)
    return Positions(name="positions")(values)


def build(depth: int) -> Any:
    """The encoder without its last normalisation.

    Args:
        depth: Number of layers, at most 4.

    Returns:
        Model (batch, `FRAMES`, `BANDS`) → list of `depth` + 1 tensors (batch, `STEPS`, `WIDTH`): the output of the
        convolutions with positions, then of each layer.
    """
    mel = keras.Input((FRAMES, BANDS), name="mel")
    outputs = [stem(mel)]
    for number in range(depth):
        outputs.append(block(outputs[-1], f"layer{number}"))
    return keras.Model(mel, outputs, name="whisper_encoder")


def load(model: Any, weights: Weights, depth: int) -> None:
    """Sets the weights of the layers that `build` or `stem` and `block` have made in `model`."""

    def put(name: str, *values: Any) -> None:
        model.get_layer(name).set_weights([np.asarray(value, np.float32) for value in values])

    for name in ("conv1", "conv2"):
        put(name, weights[f"{name}/weight"].transpose(2, 1, 0), weights[f"{name}/bias"])
    put("positions", weights["position_encodings/encodings"][:STEPS])
    for number in range(depth):
        name, part = f"layer{number}", f"layer_{number}"
        for ours, theirs in (("attention_norm", "self_attention"), ("norm", "ffn")):
            put(
                f"{name}_{ours}",
                weights[f"{part}/{theirs}/layer_norm/gamma"],
                weights[f"{part}/{theirs}/layer_norm/beta"],
            )
        kernels = np.split(weights[f"{part}/self_attention/linear_0/weight"].astype(np.float32), 3)
        biases = np.split(weights[f"{part}/self_attention/linear_0/bias"].astype(np.float32), 3)
        scale = (WIDTH // HEADS) ** -0.5  # moved from the product of queries and keys into the queries
        put(f"{name}_query", kernels[0].T * scale, biases[0] * scale)
        put(f"{name}_key", kernels[1].T)
        put(f"{name}_value", kernels[2].T, biases[2])
        dense = {"out": "self_attention/linear_1", "wide": "ffn/linear_0", "narrow": "ffn/linear_1"}
        for ours, theirs in dense.items():
            put(f"{name}_{ours}", weights[f"{part}/{theirs}/weight"].T, weights[f"{part}/{theirs}/bias"])
