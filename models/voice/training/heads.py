"""Training targets, sample weights and loss of the heads of the voice network."""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from keras import ops
from numpy.typing import NDArray

from models.voice import data
from models.voice.protocols.folds import CLASSES, OUTPUTS, SHARED, SIZES, head

SMOOTHING: Final = 0.1
"""Label smoothing: share of a target that is spread over all classes of its head."""
SHARED_WEIGHT: Final = 1.0
"""Weight of the seven-label head in the loss relative to the head of a corpus."""


class Labelled(Protocol):
    """Clips with corpora, classes and labels, as in `data.Voices`."""

    @property
    def corpora(self) -> NDArray[np.str_]:
        """(n,) names of the corpora."""

    @property
    def classes(self) -> NDArray[np.int64]:
        """(n,) indices into the corpus's own classes."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """(n,) indices into the seven labels, or `data.NONE`."""

    def __len__(self) -> int: ...


def targets(voices: Labelled) -> NDArray[np.float32]:
    """(n, `OUTPUTS`) targets: smoothed distributions in the heads that a clip trains, zeros in the others."""
    found = np.zeros((len(voices), OUTPUTS), np.float32)
    for name, size in SIZES.items():
        index = voices.labels if name == SHARED else np.where(voices.corpora == name, voices.classes, data.NONE)
        rows = np.flatnonzero(index != data.NONE)
        part = found[:, head(name)]
        part[rows] = SMOOTHING / size
        part[rows, index[rows]] += 1 - SMOOTHING
    return found


def balance(voices: Labelled) -> NDArray[np.float32]:
    """(n,) sample weights that reduce the imbalance between the classes of a corpus."""
    weights = np.ones(len(voices), np.float32)
    for corpus, names in CLASSES.items():
        for number in range(len(names)):
            of = (voices.corpora == corpus) & (voices.classes == number)
            weights[of] = ((voices.corpora == corpus).sum() / len(names) / max(1, of.sum())) ** 0.7
    return weights


def loss(truth: Any, logits: Any) -> Any:
    """Sum of the cross-entropies of all heads with a target; a mix of two corpora trains both heads in proportion."""
    total = 0.0
    for name in SIZES:
        part = head(name)
        entropy = -ops.sum(truth[:, part] * ops.log_softmax(logits[:, part], axis=-1), axis=-1)
        total += (SHARED_WEIGHT if name == SHARED else 1.0) * entropy
    return total
