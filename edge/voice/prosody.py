"""Pitch and speaking rate of an utterance, reported beside the class that the model gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.pitch import Track, hertz, pitch_track

_LEAST_VOICED: Final = 5
"""With fewer voiced frames than this, no pitch is reported."""
_STEP: Final = 160
"""Samples of 10 ms at 16 kHz."""
_SMOOTHING: Final = 7
"""Steps over which intensity is averaged, so that finer ripples do not count as syllables."""
_DIP_DB: Final = 2.0
"""How much intensity falls between two syllables."""
_UNDER_TOP_DB: Final = 25.0
"""A peak more than 25 dB below the loudest one does not count as a syllable."""
_SHORTEST_S: Final = 0.3
"""Shortest sound whose speaking rate is estimated."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """How an utterance was spoken."""

    pitch_hz: float | None
    """Median fundamental frequency, `LOWEST_HZ`…`HIGHEST_HZ`; None where too little of it was voiced."""
    pitch_range_semitones: float | None
    """From the 5th to the 95th percentile."""
    rate_hz: float | None
    """Syllables a second, estimated from the peaks of intensity; None for less than 0.3 s."""


def prosody(samples: NDArray[np.float32], track: Track | None = None) -> Prosody:
    """Of (n,) float32 at 16 kHz, in −1…1; what is too short or silent gives None.

    `track`: `pitch_track(samples)`, where it is at hand already.
    """
    _, semitones = (pitch_track(samples) if track is None else track).voiced()
    median = spread = None
    if len(semitones) >= _LEAST_VOICED:
        ordered = np.sort(semitones)
        low, middle, high = (ordered[round(share * (len(ordered) - 1))] for share in (0.05, 0.5, 0.95))
        median, spread = hertz(float(middle)), float(high - low)
    return Prosody(median, spread, syllable_rate(samples))


def syllable_rate(samples: NDArray[np.float32]) -> float | None:
    """Syllables a second of (n,) float32 at 16 kHz, None for less than 0.3 s or silence.

    Syllable nuclei as in de Jong & Wempe, Behavior Research Methods 41, 2009: peaks of intensity with a dip of 2 dB
    before them. An estimate: in noise and with several voices it counts what is not there.
    """
    count = len(samples) // _STEP
    if count * 0.01 < _SHORTEST_S:
        return None
    power = (samples[: count * _STEP].reshape(count, _STEP).astype(np.float64) ** 2).mean(1)
    if power.max() <= 1e-10:
        return None
    smooth = np.convolve(power, _kernel(), "same")
    level = 10 * np.log10(np.maximum(smooth, 1e-12))
    nuclei, lowest, highest, rising = 0, math.inf, -math.inf, True
    floor = float(level.max()) - _UNDER_TOP_DB
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
    window = np.hanning(_SMOOTHING + 2)[1:-1]
    return np.asarray(window / window.sum())
