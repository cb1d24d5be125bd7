"""Sounds with the make of a voice."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 16_000
Sound = NDArray[np.float32]


def speechlike(seconds: float, seed: int = 0, hertz: float = 140.0) -> Sound:
    """A voice-like buzz whose pitch and loudness move, over a little hiss."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.3 * np.sin(2 * np.pi * 1.3 * t))) / RATE
    buzz = sum(np.cos(k * phase) / k**1.2 for k in range(1, 25))
    swell = 0.02 + np.sin(2 * np.pi * 2.1 * t) ** 2
    return np.asarray(0.1 * buzz * swell + 1e-4 * rng.standard_normal(len(t)), np.float32)


def buzz(hertz: NDArray[np.float64] | float, seconds: float = 1.0, noise: float = 0.0) -> Sound:
    """A voice-like sound of many harmonics whose strength falls by 12 dB an octave."""
    count = round(seconds * RATE)
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(hertz, count)) / RATE
    top = int(7000 / np.max(hertz))
    sound = sum(np.cos(k * phase + k) / k**2 for k in range(1, top + 1))
    hiss = np.random.default_rng(1).standard_normal(count)
    return np.asarray(0.1 * sound + noise * hiss, np.float32)
