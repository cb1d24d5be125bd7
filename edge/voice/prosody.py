"""Pitch and pace of an utterance, beside the class that the model gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.resample import RATE

LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 500.0

_DECIMATE: Final = 2
"""Pitch is looked for at 8 kHz: half the work, and its harmonics are all there."""
_PITCH_RATE: Final = RATE // _DECIMATE
_FRAME: Final = 400
"""Samples at 8 kHz, 50 ms: three periods of the lowest voice."""
_HOP: Final = 160
_TRANSFORM: Final = 540
"""At least a frame and the longest lag; its factors are small."""
_APERIODIC: Final = 0.2
"""YIN's threshold: the share of a frame's power that does not repeat itself."""
_QUIET_DB: Final = 30.0
"""A frame so far below the loudest one has no pitch worth telling."""
_LEAST_VOICED: Final = 5
_OCTAVE: Final = 0.7
"""Log2 distance from the median pitch beyond which a frame is taken for an error of an octave."""

_STEP: Final = 160
"""Samples of 10 ms at 16 kHz."""
_SMOOTHING: Final = 7
"""Steps over which intensity is averaged: finer ripples are no syllables."""
_DIP_DB: Final = 2.0
"""How much intensity falls between two syllables."""
_UNDER_TOP_DB: Final = 25.0
"""A peak so far below the loudest is no syllable."""
_SHORTEST_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Prosody:
    """How an utterance was spoken."""

    pitch_hz: float | None
    """Median fundamental frequency, `LOWEST_HZ`…`HIGHEST_HZ`; None where too little of it was voiced."""
    pitch_range_semitones: float | None
    """From the 5th to the 95th percentile."""
    rate_hz: float | None
    """Syllables a second, estimated from the peaks of intensity; None for less than 0.3 s."""


def prosody(samples: NDArray[np.float32]) -> Prosody:
    """Of (n,) float32 at 16 kHz, in −1…1; what is too short or silent gives None."""
    track = pitch_track(samples)
    voiced = track[np.isfinite(track)]
    median = spread = None
    if len(voiced) >= _LEAST_VOICED:
        centre = float(np.median(voiced))
        kept = voiced[np.abs(np.log2(voiced / centre)) < _OCTAVE]
        low, middle, high = np.percentile(kept, (5, 50, 95))
        median, spread = float(middle), 12 * math.log2(high / low)
    return Prosody(median, spread, syllable_rate(samples))


def pitch_track(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """(frames,) fundamental frequency in Hz every 20 ms, NaN where a frame is unvoiced or quiet.

    YIN (de Cheveigné & Kawahara, JASA 111(4), 2002): the difference function by way of the autocorrelation, its
    cumulative mean normalisation, the first dip below the threshold, and a parabola through it.
    """
    even = len(samples) // _DECIMATE * _DECIMATE
    # The mean of two neighbours keeps 3.9 dB off what folds back from above 4 kHz; YIN asks only for the period.
    sound = samples[:even].reshape(-1, _DECIMATE).mean(1)
    if len(sound) < _FRAME:
        return np.empty(0)
    sound = sound - sound.mean()
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
    longest = int(_PITCH_RATE / LOWEST_HZ) + 2
    normalised = _normalised_difference(frames.astype(np.float32), longest)
    shortest = int(_PITCH_RATE / HIGHEST_HZ) - 1
    period = _first_dip(normalised, shortest)
    power = (frames**2).mean(1)
    # At the edge of what is looked at there is no dip to be seen.
    voiced = (power > power.max() * 10 ** (-_QUIET_DB / 10)) & (period > shortest) & (period < longest - 1)
    found = np.full(len(frames), np.nan)
    rows = np.flatnonzero(voiced)
    before, at, after = (normalised[rows, period[rows] + step] for step in (-1, 0, 1))
    curve = before - 2 * at + after
    shift = np.where(curve > 0, 0.5 * (before - after) / np.where(curve > 0, curve, 1), 0.0)
    hertz = _PITCH_RATE / (period[rows] + np.clip(shift, -0.5, 0.5))
    found[rows] = np.where((hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ), hertz, np.nan)
    return found


def _normalised_difference(frames: NDArray[np.float32], lags: int) -> NDArray[np.float64]:
    """(n, lags): 0 at a lag after which a frame repeats itself, about 1 at others."""
    window = _FRAME - lags
    head = np.fft.rfft(frames[:, :window], _TRANSFORM)
    product = np.fft.irfft(np.conj(head) * np.fft.rfft(frames, _TRANSFORM), _TRANSFORM)[:, :lags]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    moved = energy[:, window : window + lags] - energy[:, :lags]
    difference = np.maximum(0.0, moved[:, :1] + moved - 2 * product)
    total = np.cumsum(difference, axis=1)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * np.arange(1, lags) / np.maximum(total[:, 1:], 1e-12)
    # Digital silence repeats itself at every lag, but it is no voice.
    normalised[total[:, -1] <= 1e-12] = 1.0
    return normalised


def _first_dip(normalised: NDArray[np.float64], shortest: int) -> NDArray[np.int64]:
    """(n,) lag of the bottom of the first dip below the threshold, 0 where there is none."""
    inside = normalised[:, shortest:-1]
    bottom = (inside < _APERIODIC) & (inside <= normalised[:, shortest + 1 :])
    first = bottom.argmax(1)
    return np.asarray(np.where(bottom.any(1), first + shortest, 0), np.int64)


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
