"""Active speech level: the level of a voice without its pauses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.hearing.cleaning import STEP


def active_power(sound: NDArray[np.float32]) -> float:
    """Mean square of the 10 ms frames that lie less than 15.9 dB below that mean (ITU-T P.56), at least −120 dB."""
    power = (sound[: len(sound) // STEP * STEP].reshape(-1, STEP).astype(np.float64) ** 2).mean(1)
    mean = float(power.max(initial=0.0))
    if mean <= 0.0:
        return 1e-12
    for _ in range(5):
        mean = float(power[power >= mean / 39].mean())
    return mean
