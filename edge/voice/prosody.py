"""Pitch and speaking rate of an utterance, reported in addition to the model's posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.pitch import Track, hertz, pitch_track

_MIN_VOICED_FRAMES: Final = 5
"""With fewer voiced frames than this, no pitch is reported."""
_STEP: Final = 160
"""Samples in one step of intensity: 10 ms at 16 kHz."""
_SMOOTHING_STEPS: Final = 7
"""Number of steps over which intensity is averaged, so that small ripples do not count as syllables."""
_DIP_DB: Final = 2.0
"""Minimum fall of intensity between two syllables, in dB."""
_PEAK_RANGE_DB: Final = 25.0
"""A peak more than 25 dB below the loudest one does not count as a syllable."""
_MIN_DURATION_S: Final = 0.3
"""Minimum length of sound whose speaking rate is estimated, in seconds."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """How an utterance was spoken."""

    pitch_hz: float | None
    """Median fundamental frequency in Hz, 60…500; None with fewer than 5 voiced frames."""
    pitch_range_semitones: float | None
    """Semitones from the 5th to the 95th percentile of the pitch; None with fewer than 5 voiced frames."""
    rate_hz: float | None
    """Syllables a second, estimated from the peaks of intensity; None for silence and for less than 0.3 s."""


def prosody(samples: NDArray[np.float32], track: Track | None = None) -> Prosody:
    """Measures the prosody of (n,) float32 samples at 16 kHz, in −1…1; short or silent sound gives None values.

    `track`: the result of `pitch_track(samples)`; computed here if None.
    """
    _, semitones = (pitch_track(samples) if track is None else track).voiced()
    median = spread = None
    if len(semitones) >= _MIN_VOICED_FRAMES:
        ordered = np.sort(semitones)
        low, middle, high = (ordered[round(share * (len(ordered) - 1))] for share in (0.05, 0.5, 0.95))
        median, spread = hertz(float(middle)), float(high - low)
    return Prosody(median, spread, syllable_rate(samples))


def syllable_rate(samples: NDArray[np.float32]) -> float | None:
    """Estimates the syllables a second in (n,) float32 samples at 16 kHz; None for silence and for less than 0.3 s.

    Syllable nuclei are found as in de Jong & Wempe, Behavior Research Methods 41, 2009: peaks of intensity with a dip
    of 2 dB before them. In noise and with several voices the estimate is too high.
    """
    count = len(samples) // _STEP
    if count * 0.01 < _MIN_DURATION_S:
        return None
    power = (samples[: count * _STEP].reshape(count, _STEP).astype(np.float64) ** 2).mean(1)
    if power.max() <= 1e-10:
        return None
    smooth = np.convolve(power, _kernel(), "same")
    level = 10 * np.log10(np.maximum(smooth, 1e-12))
    nuclei, lowest, highest, rising = 0, math.inf, -math.inf, True
    floor = float(level.max()) - _PEAK_RANGE_DB
    for value in level:
        if rising:
            highest = max(highest, value)
            if value < highest - _DIP_DB:
                nuclei += highest > floor
                rising, lowest = False, value
        else:
            lowest = min(lowest, value)
            if value > lowest + _DIP_DB:
                rising, highest = True, value
    nuclei += rising and highest > floor
    return float(nuclei / (count * 0.01))


@lru_cache
def _kernel() -> NDArray[np.float64]:
    window = np.hanning(_SMOOTHING_STEPS + 2)[1:-1]
    return np.asarray(window / window.sum())
