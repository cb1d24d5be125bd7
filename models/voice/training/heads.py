"""What each head of the voice net is taught, and the loss over all heads."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from keras import ops
from numpy.typing import NDArray

from models.voice import data
from models.voice.protocols.folds import CLASSES, OUTPUTS, SHARED, SIZES, head

SMOOTHING: Final = 0.1
"""Share of a target that is spread over all classes of its head."""
SHARED_WEIGHT: Final = 1.0
"""Weight of the head of the seven labels beside that of a corpus's own classes."""


def targets(voices: data.Voices) -> NDArray[np.float32]:
    """(n, `OUTPUTS`) smoothed distributions in the heads that a clip trains, zeros in the others."""
    found = np.zeros((len(voices), OUTPUTS), np.float32)
    for name, size in SIZES.items():
        index = voices.labels if name == SHARED else np.where(voices.corpora == name, voices.classes, data.NONE)
        rows = np.flatnonzero(index != data.NONE)
        part = found[:, head(name)]
        part[rows] = SMOOTHING / size
        part[rows, index[rows]] += 1 - SMOOTHING
    return found


def balance(voices: data.Voices) -> NDArray[np.float32]:
    """(n,) weights that make the classes of a corpus count more alike."""
    weights = np.ones(len(voices), np.float32)
    for corpus, names in CLASSES.items():
        for number in range(len(names)):
            of = (voices.corpora == corpus) & (voices.classes == number)
            weights[of] = ((voices.corpora == corpus).sum() / len(names) / max(1, of.sum())) ** 0.7
    return weights


def loss(truth: Any, logits: Any) -> Any:
    """Cross-entropy of each head that has a target; a clip mixed of two corpora trains both heads by its shares."""
    total = 0.0
    for name in SIZES:
        part = head(name)
        entropy = -ops.sum(truth[:, part] * ops.log_softmax(logits[:, part], axis=-1), axis=-1)
        total += (SHARED_WEIGHT if name == SHARED else 1.0) * entropy
    return total
