"""The words net: the convolutional one of the study, the best of those that were compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge.words.features import FIRST, vocabulary
from models.words.study.nets import conv1d
from models.words.study.vectors import DIMENSIONS


def build(seed: int = 2013) -> Any:
    """(1, 32) int32 word numbers → (1, 7) logits, one a label, each for a sigmoid of its own."""
    rows = FIRST + len(vocabulary())
    start = np.random.default_rng(seed).normal(0, 0.03, (rows, DIMENSIONS)).astype(np.float32)
    start[0] = 0
    return conv1d(start)
