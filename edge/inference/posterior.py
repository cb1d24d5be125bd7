"""From a model's logits to calibrated probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Over the last axis, of logits divided by `temperature` (Guo et al., ICML 2017); > 1 softens."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponential = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=-1, keepdims=True))


def sigmoid(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Elementwise, of logits divided by `temperature`."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(logits, np.float64) / (2 * temperature))))


def shares(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """One distribution from outputs that were trained each for a sigmoid of its own: the sigmoids, over their sum along
    the last axis. A softmax of the same logits would be too sure, since logit and logarithm part near one."""
    scaled = np.asarray(logits, np.float64) / temperature
    return softmax(-np.logaddexp(0.0, -scaled))
