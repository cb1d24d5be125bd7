"""The float32 form of a trained head in NumPy, with the interface of an interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Tensor
from models.voice.large.head import EMBEDDING

_Array = NDArray[np.float32]


class FloatHead:
    """Computes what the Keras model of `large.head.build` computes, one utterance at a time and without TensorFlow."""

    def __init__(self, model: Any) -> None:
        """Copies the weights. `model`: a model of `large.head.build`."""

        def of(name: str) -> list[_Array]:
            return [np.asarray(value) for value in model.get_layer(name).get_weights()]

        self._mean, self._scale = of("standard")
        (self._embedding,) = of("embedding")
        (self._hidden,) = of("hidden")
        gamma, beta, mean, variance = of("hidden_norm")
        self._gain = gamma / np.sqrt(variance + model.get_layer("hidden_norm").epsilon)
        self._shift = beta - mean * self._gain
        self._logits, self._affect = of("logits"), of("affect")
        self.inputs = tuple(
            Tensor(name=name, shape=(1, size), dtype="float32")
            for name, size in (("statistics", len(self._mean)), ("baseline", EMBEDDING), ("trust", 1))
        )
        """Input tensors."""

    def run(self, *values: NDArray[Any]) -> tuple[_Array, ...]:
        """Logits, embedding and affect from statistics, baseline and trust, as the converted head gives them."""
        statistics, baseline, trust = values
        embedding = ((statistics - self._mean) * self._scale) @ self._embedding
        known = baseline * (trust / (2 - trust))
        compared = np.concatenate([embedding - known, known, trust], axis=1) @ self._hidden
        hidden = np.maximum(compared * self._gain + self._shift, 0)
        affect = np.tanh(hidden @ self._affect[0] + self._affect[1])
        logits = hidden @ self._logits[0] + self._logits[1]
        return np.asarray(logits), np.asarray(embedding), np.asarray(affect, np.float32)
