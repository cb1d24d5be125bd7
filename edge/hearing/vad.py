"""Voice activity detection: pymicro-vad behind a slow automatic gain."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pymicro_vad import MicroVad

from edge.hearing.cleaning import STEP

SILENT_DBFS: Final = -100.0
"""Lowest level that is reported."""
LAG_S: Final = 0.35
"""Median time from the first loud sound of an utterance to a probability of 0.5 (RAVDESS, EMO-DB)."""

_TARGET_DBFS: Final = -24.0
"""Level to which quiet sound is amplified."""
_MOST_GAIN_DB: Final = 30.0
"""Largest amplification."""
_RISE: Final = 0.2
"""Share of a rise in level that is followed in one step: the followed level rises within 50 ms."""
_FALL: Final = 0.002
"""Share of a fall in level that is followed in one step: the followed level falls within 5 s."""
_SMOOTH: Final = 0.4
"""Share of a new verdict in the smoothed probability."""
_WARM_UP_STEPS: Final = 100
"""Steps of hiss that are fed after a reset, because the detector gives no verdict on its first 0.76 s."""
_HISS: Final = 1e-4
"""Standard deviation of that hiss; full scale is 1."""


class SpeechDetector:
    """The probability of speech, step by step. Not thread-safe."""

    def __init__(self) -> None:
        self._vad = MicroVad()
        self.reset()

    def reset(self) -> None:
        """Forgets what was heard; ready to judge the very next step."""
        self._vad.reset()
        # Hiss rather than zeros: after digital silence the first words are found later.
        hiss = np.random.default_rng(0).normal(0, _HISS, _WARM_UP_STEPS * STEP).astype(np.float32)
        for step in hiss.reshape(-1, STEP):
            self._vad.process_10ms(_sixteen_bits(step))
        self._followed = _TARGET_DBFS
        self._smoothed = 0.0

    def probability(self, step: NDArray[np.float32]) -> float:
        """0…1 for (160,) float32 in −1…1 at 16 kHz; lags about `LAG_S` behind the sound."""
        loud = level_dbfs(step)
        self._followed += (_RISE if loud > self._followed else _FALL) * (loud - self._followed)
        gain = 10 ** (min(_MOST_GAIN_DB, max(0.0, _TARGET_DBFS - self._followed)) / 20)
        verdict = self._vad.process_10ms(_sixteen_bits(step * np.float32(gain)))
        self._smoothed += _SMOOTH * (min(1.0, max(0.0, verdict)) - self._smoothed)
        return self._smoothed


def level_dbfs(samples: NDArray[np.float32]) -> float:
    """Root mean square in dB of full scale, at least `SILENT_DBFS`."""
    power = float(np.dot(samples, samples)) / max(1, len(samples))
    return max(SILENT_DBFS, 10 * math.log10(power)) if power > 0 else SILENT_DBFS


def _sixteen_bits(samples: NDArray[np.float32]) -> bytes:
    return np.asarray(np.clip(samples, -1, 1) * 32767, "<i2").tobytes()
