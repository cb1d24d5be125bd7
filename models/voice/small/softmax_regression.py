"""Multinomial logistic regression of several heads at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.voice.protocols.folds import SIZES, head

STEPS: Final = 100
"""Steps of gradient descent."""
DECAY: Final = 3e-3
"""Weight of the squared coefficients in the loss."""

_Array = NDArray[np.float32]


def regression(values: _Array, targets: _Array) -> tuple[_Array, _Array]:
    """Fits the softmax regression of each head by accelerated gradient descent (Nesterov, 1983).

    Args:
        values: (n, d) features of similar scale.
        targets: (n, outputs) target distributions of the heads, zero in heads that a row does not train; rows of
            unequal weight have targets with unequal sums.

    Returns:
        (d, outputs) coefficients and (outputs,) biases.
    """
    values = np.concatenate([values, np.ones((len(values), 1), np.float32)], axis=1)
    totals = {name: max(1.0, float(targets[:, head(name)].sum())) for name in SIZES}
    # The curvature of the softmax loss is at most half of the features' second moment.
    vector: _Array = np.ones(values.shape[1], np.float32)
    for _ in range(20):
        vector = np.asarray(values.T @ (values @ vector) / len(values), np.float32)
        norm = float(np.linalg.norm(vector))
        vector /= norm
    found = np.zeros((values.shape[1], targets.shape[1]), np.float32)
    ahead, momentum = found, 1.0
    for _ in range(STEPS):
        logits = values @ ahead
        error = np.zeros_like(logits)
        for name in SIZES:
            part = head(name)
            weight = targets[:, part].sum(1, keepdims=True)
            exponents = np.exp(logits[:, part] - logits[:, part].max(1, keepdims=True))
            error[:, part] = (exponents / exponents.sum(1, keepdims=True) * weight - targets[:, part]) / totals[name]
        gradient = values.T @ error
        gradient[:-1] += DECAY * ahead[:-1]
        # Rows of one head only have a larger share of its loss than of the features' second moment.
        before, found = found, ahead - gradient / (1.5 * norm + DECAY)
        momentum, last = (1 + np.sqrt(1 + 4 * momentum**2)) / 2, momentum
        ahead = found + np.float32((last - 1) / momentum) * (found - before)
    return found[:-1], found[-1]
