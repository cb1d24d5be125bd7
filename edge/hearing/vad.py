"""Voice activity detection: pymicro-vad after a slow automatic gain control."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pymicro_vad import MicroVad

from edge.hearing.cleaning import STEP

SILENT_DBFS: Final = -100.0
"""Lowest level that is reported, in dB of full scale."""
LAG_S: Final = 0.35
"""Median seconds from the first loud sound of an utterance to a probability of 0.5 (RAVDESS, EMO-DB)."""

_TARGET_DBFS: Final = -34.0
"""Level to which the gain control amplifies quiet sound."""
_MAX_GAIN_DB: Final = 30.0
"""Maximum gain."""
_ATTACK: Final = 1.0
"""Weight of a step's level in the moving average while the level rises: a time constant of 50 ms."""
_RELEASE: Final = 0.002
"""Weight of a step's level in the moving average while the level falls: a time constant of 5 s."""
_PROBABILITY_UPDATE: Final = 0.4
"""Weight of a step's probability in the moving average."""
_WARM_UP_STEPS: Final = 100
"""Number of steps of hiss that the detector receives after a reset, because it gives no result for its first 0.76 s."""
_HISS: Final = 1e-4
"""Standard deviation of the warm-up hiss; full scale is 1."""


class SpeechDetector:
    """Estimates the probability of speech for each step. Not thread-safe."""

    def __init__(self) -> None:
        self._vad = MicroVad()
        self.reset()

    def reset(self) -> None:
        """Resets the detector, which can then rate the very next step."""
        self._vad.reset()
        # Hiss rather than zeros, because after digital silence the first words are detected later.
        hiss = np.random.default_rng(0).normal(0, _HISS, _WARM_UP_STEPS * STEP).astype(np.float32)
        for step in hiss.reshape(-1, STEP):
            self._vad.process_10ms(_sixteen_bits(step))
        self._average_dbfs = _TARGET_DBFS
        self._smoothed = 0.0

    def probability(self, step: NDArray[np.float32]) -> float:
        """Probability of speech, 0…1, for (160,) float32 in −1…1 at 16 kHz; it lags about `LAG_S` behind the sound."""
        loud = level_dbfs(step)
        self._average_dbfs += (_ATTACK if loud > self._average_dbfs else _RELEASE) * (loud - self._average_dbfs)
        gain = 10 ** (min(_MAX_GAIN_DB, max(0.0, _TARGET_DBFS - self._average_dbfs)) / 20)
        verdict = self._vad.process_10ms(_sixteen_bits(step * np.float32(gain)))
        self._smoothed += _PROBABILITY_UPDATE * (min(1.0, max(0.0, verdict)) - self._smoothed)
        return self._smoothed


def level_dbfs(samples: NDArray[np.float32]) -> float:
    """Root mean square of (n,) samples in dB of full scale, at least `SILENT_DBFS`."""
    power = float(np.dot(samples, samples)) / max(1, len(samples))
    return max(SILENT_DBFS, 10 * math.log10(power)) if power > 0 else SILENT_DBFS


def _sixteen_bits(samples: NDArray[np.float32]) -> bytes:
    return np.asarray(np.clip(samples, -1, 1) * 32767, "<i2").tobytes()
