"""The score of the studies on MELD, in a module that needs neither Keras nor PyTorch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from models.metrics import single_label, weighted_f1


def f1(outputs: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Weighted F1 of the most probable label of (n, 7) outputs."""
    return weighted_f1(single_label("", "", np.asarray(outputs), truth, LABELS).per_class)
