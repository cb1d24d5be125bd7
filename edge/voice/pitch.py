"""Fundamental frequency by YIN (de Cheveigné & Kawahara, JASA 111(4), 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.hearing.resample import RATE
from edge.voice.sliding import common

LOWEST_HZ: Final = 60.0
"""Lowest fundamental frequency that is reported."""
HIGHEST_HZ: Final = 500.0
"""Highest fundamental frequency that is reported."""

STEP_S: Final = 0.02
"""Seconds from one frame of a track to the next."""

_DECIMATE: Final = 2
"""Decimation factor: pitch estimation at 8 kHz halves the work and keeps the harmonics that matter."""
_PITCH_RATE: Final = RATE // _DECIMATE
"""Sampling rate in Hz at which the pitch is estimated."""
_FRAME: Final = 400
"""Length of a frame in samples at 8 kHz: 50 ms, three periods of the lowest voice."""
_HOP: Final = round(STEP_S * _PITCH_RATE)
"""Samples at 8 kHz from one frame to the next."""
_FFT_SIZE: Final = 540
"""Length of the FFT: at least a frame plus the longest lag, and a product of small primes."""
_YIN_THRESHOLD: Final = 0.2
"""YIN's absolute threshold: the highest aperiodic share of a frame's power at which it counts as voiced."""
_QUIET_DB: Final = 30.0
"""A frame more than 30 dB below the loudest one gets no pitch."""
_REFERENCE_HZ: Final = 100.0
"""Frequency that corresponds to 0 semitones."""
_OCTAVE_ERROR_SEMITONES: Final = 8.4
"""A frame whose pitch is this many semitones or more from the median counts as an octave error."""
_MAX_LAG: Final = int(_PITCH_RATE / LOWEST_HZ) + 2
"""Longest lag that is searched, in samples at 8 kHz."""
_MIN_LAG: Final = int(_PITCH_RATE / HIGHEST_HZ) - 1
"""Shortest lag that is searched, in samples at 8 kHz."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Pitch and power of a piece of sound, one frame every `STEP_S`."""

    hertz: _Floats
    """(frames,) fundamental frequency; NaN where a frame is unvoiced or quiet."""
    power: _Floats
    """(frames,) mean square after removal of the DC offset; full scale is 1."""

    def voiced(self) -> tuple[NDArray[np.int64], _Floats]:
        """Indices of the voiced frames, and their pitch in semitones above 100 Hz, without octave errors."""
        rows = np.flatnonzero(np.isfinite(self.hertz))
        semitones = 12 * np.log2(self.hertz[rows] / _REFERENCE_HZ)
        if len(rows):
            near = np.abs(semitones - np.sort(semitones)[len(rows) // 2]) < _OCTAVE_ERROR_SEMITONES
            rows, semitones = rows[near], semitones[near]
        return rows, semitones


class PitchStream:
    """Tracks the pitch of sound that grows or slides; frames of the previous call are reused. Not thread-safe."""

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.float32)
        self._position = 0
        self._hertz = self._power = np.zeros(0)
        self.looked_at = 0
        """Number of frames whose pitch was computed so far."""

    def read(self, samples: NDArray[np.float32], position: int) -> Track:
        """Returns what `pitch_track(samples)` returns. `position`: index of the first sample in the stream."""
        hops, rest = divmod(position - self._position, _HOP * _DECIMATE)
        both = 0 if rest else common(self._samples, samples, position - self._position)
        known = _frames(both)
        found, power = _yin(samples[known * _HOP * _DECIMATE :])
        self.looked_at += len(found)
        self._hertz = np.concatenate([self._hertz[hops : hops + known], found])
        self._power = np.concatenate([self._power[hops : hops + known], power])
        self._samples, self._position = samples.copy(), position
        return without_quiet(self._hertz, self._power)


def pitch_track(samples: NDArray[np.float32]) -> Track:
    """Estimates the pitch track of (n,) float32 samples at 16 kHz, in −1…1."""
    return without_quiet(*_yin(samples))


def hertz(semitones: float) -> float:
    """Converts semitones above 100 Hz to Hz."""
    return float(_REFERENCE_HZ * 2 ** (semitones / 12))


def _frames(samples: int) -> int:
    """Number of whole frames in `samples` samples at 16 kHz."""
    return max(0, (samples // _DECIMATE - _FRAME) // _HOP + 1)


def without_quiet(hertz: _Floats, power: _Floats) -> Track:
    """A track from (frames,) pitch and power; frames more than 30 dB below the loudest one get no pitch."""
    return Track(np.where(power > power.max(initial=0.0) * 10 ** (-_QUIET_DB / 10), hertz, np.nan), power)


def _yin(samples: NDArray[np.float32]) -> tuple[_Floats, _Floats]:
    """YIN: (frames,) pitch in Hz, NaN in unvoiced frames, and (frames,) power after removal of the DC offset.

    Its steps are the difference function (from the autocorrelation), cumulative mean normalisation, the first dip below
    the threshold, and parabolic interpolation of that dip.
    """
    even = len(samples) // _DECIMATE * _DECIMATE
    # Averaging pairs attenuates aliases from above 4 kHz by 3.9 dB, which suffices because YIN needs only the period.
    sound = (samples[0:even:2] + samples[1:even:2]) / 2
    if len(sound) < _FRAME:
        return np.empty(0), np.empty(0)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
    frames = frames - frames.mean(1, keepdims=True)
    normalised = _normalised_difference(frames)
    period = _first_dip(normalised)
    # A minimum at either end of the lag range may not be a dip.
    rows = np.flatnonzero((period > _MIN_LAG) & (period < _MAX_LAG - 1))
    before, at, after = (normalised[rows, period[rows] + step] for step in (-1, 0, 1))
    curve = before - 2 * at + after
    shift = np.where(curve > 0, 0.5 * (before - after) / np.where(curve > 0, curve, 1), 0.0)
    hertz = _PITCH_RATE / (period[rows] + np.clip(shift, -0.5, 0.5))
    pitch = np.full(len(frames), np.nan)
    pitch[rows] = np.where((hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ), hertz, np.nan)
    return pitch, np.asarray((frames**2).mean(1), np.float64)


def _normalised_difference(frames: NDArray[np.float32]) -> _Floats:
    """(n, `_MAX_LAG`): YIN's normalised difference, near 0 at lags after which a frame repeats itself, else about 1."""
    window = _FRAME - _MAX_LAG
    head = np.fft.rfft(frames[:, :window], _FFT_SIZE)
    product = np.fft.irfft(np.conj(head) * np.fft.rfft(frames, _FFT_SIZE), _FFT_SIZE)[:, :_MAX_LAG]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    moved = energy[:, window : window + _MAX_LAG] - energy[:, :_MAX_LAG]
    difference = np.maximum(0.0, moved[:, :1] + moved - 2 * product)
    total = np.cumsum(difference, axis=1)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * np.arange(1, _MAX_LAG) / np.maximum(total[:, 1:], 1e-12)
    # Digital silence repeats itself at every lag but must not count as voiced.
    normalised[total[:, -1] <= 1e-12] = 1.0
    return normalised


def _first_dip(normalised: _Floats) -> NDArray[np.int64]:
    """(n,) lag of the minimum of the first dip below the threshold; 0 in frames without such a dip."""
    inside = normalised[:, _MIN_LAG:-1]
    bottom = (inside < _YIN_THRESHOLD) & (inside <= normalised[:, _MIN_LAG + 1 :])
    first = bottom.argmax(1)
    return np.asarray(np.where(bottom.any(1), first + _MIN_LAG, 0), np.int64)
