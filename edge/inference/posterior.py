"""Converts the logits of a model to calibrated probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Returns the softmax over the last axis of logits divided by `temperature` (Guo et al., ICML 2017).

    A temperature above 1 makes the distribution less confident.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    exponential = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=-1, keepdims=True))


def sigmoid(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Returns the elementwise sigmoid of logits divided by `temperature`."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(logits, np.float64) / (2 * temperature))))


def shares(logits: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Returns one distribution from multi-label logits: their sigmoids divided by the sum along the last axis.

    It is for outputs that were each trained with a sigmoid. A softmax of the same logits would be overconfident,
    because the logit of a probability exceeds its logarithm as the probability approaches 1.
    """
    scaled = np.asarray(logits, np.float64) / temperature
    return softmax(-np.logaddexp(0.0, -scaled))
