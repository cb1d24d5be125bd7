"""Fundamental frequency by YIN (de Cheveigné & Kawahara, JASA 111(4), 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.hearing.resample import RATE
from edge.voice.sliding import common

LOWEST_HZ: Final = 60.0
HIGHEST_HZ: Final = 500.0

STEP_S: Final = 0.02
"""Seconds from one frame of a track to the next."""

_DECIMATE: Final = 2
"""Pitch is searched for at 8 kHz, which halves the work and keeps the harmonics that matter."""
_PITCH_RATE: Final = RATE // _DECIMATE
_FRAME: Final = 400
"""Samples at 8 kHz, 50 ms: three periods of the lowest voice."""
_HOP: Final = round(STEP_S * _PITCH_RATE)
_TRANSFORM: Final = 540
"""Length of the transform: at least a frame plus the longest lag, and a product of small primes."""
_APERIODIC: Final = 0.2
"""YIN's threshold: the share of a frame's power that does not repeat itself."""
_QUIET_DB: Final = 30.0
"""A frame more than 30 dB below the loudest one is not given a pitch."""
_REFERENCE_HZ: Final = 100.0
"""Semitones are counted from here."""
_OCTAVE: Final = 8.4
"""A frame this many semitones from the median counts as an octave error."""
_LONGEST: Final = int(_PITCH_RATE / LOWEST_HZ) + 2
"""Longest lag, in samples at 8 kHz."""
_SHORTEST: Final = int(_PITCH_RATE / HIGHEST_HZ) - 1
"""Shortest lag, in samples at 8 kHz."""

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Pitch and power of a piece of sound, one frame every `STEP_S`."""

    hertz: _Floats
    """(frames,) fundamental frequency; NaN where a frame is unvoiced or quiet."""
    power: _Floats
    """(frames,) mean square without the offset; full scale is 1."""

    def voiced(self) -> tuple[NDArray[np.int64], _Floats]:
        """Indices of the frames with a pitch, and their pitch in semitones above 100 Hz; octave errors are left out."""
        rows = np.flatnonzero(np.isfinite(self.hertz))
        semitones = 12 * np.log2(self.hertz[rows] / _REFERENCE_HZ)
        if len(rows):
            near = np.abs(semitones - np.sort(semitones)[len(rows) // 2]) < _OCTAVE
            rows, semitones = rows[near], semitones[near]
        return rows, semitones


class PitchStream:
    """The pitch track of sound that grows or slides: frames heard before are not looked at again. Not thread-safe."""

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.float32)
        self._position = 0
        self._hertz = self._power = np.zeros(0)
        self.looked_at = 0
        """Frames that were searched so far."""

    def read(self, samples: NDArray[np.float32], position: int) -> Track:
        """`pitch_track(samples)`; `position`: of the first sample in the stream, in samples at 16 kHz."""
        hops, rest = divmod(position - self._position, _HOP * _DECIMATE)
        both = 0 if rest else common(self._samples, samples, position - self._position)
        known = _frames(both)
        found, power = _search(samples[known * _HOP * _DECIMATE :])
        self.looked_at += len(found)
        self._hertz = np.concatenate([self._hertz[hops : hops + known], found])
        self._power = np.concatenate([self._power[hops : hops + known], power])
        self._samples, self._position = samples.copy(), position
        return without_quiet(self._hertz, self._power)


def pitch_track(samples: NDArray[np.float32]) -> Track:
    """Of (n,) float32 at 16 kHz, in −1…1."""
    return without_quiet(*_search(samples))


def hertz(semitones: float) -> float:
    """Of semitones above 100 Hz."""
    return float(_REFERENCE_HZ * 2 ** (semitones / 12))


def _frames(samples: int) -> int:
    """Whole frames in so many samples at 16 kHz."""
    return max(0, (samples // _DECIMATE - _FRAME) // _HOP + 1)


def without_quiet(hertz: _Floats, power: _Floats) -> Track:
    """The track of (frames,) pitch and power, in which frames far below the loudest have no pitch."""
    return Track(np.where(power > power.max(initial=0.0) * 10 ** (-_QUIET_DB / 10), hertz, np.nan), power)


def _search(samples: NDArray[np.float32]) -> tuple[_Floats, _Floats]:
    """(frames,) pitch, NaN where there is none, and power without its offset.

    The difference function by way of the autocorrelation, its cumulative mean normalisation, the first dip below the
    threshold, and a parabola through it.
    """
    even = len(samples) // _DECIMATE * _DECIMATE
    # The mean of two neighbours keeps 3.9 dB off what folds back from above 4 kHz; YIN asks only for the period.
    sound = (samples[0:even:2] + samples[1:even:2]) / 2
    if len(sound) < _FRAME:
        return np.empty(0), np.empty(0)
    frames = np.lib.stride_tricks.sliding_window_view(sound, _FRAME)[::_HOP]
    frames = frames - frames.mean(1, keepdims=True)
    normalised = _normalised_difference(frames)
    period = _first_dip(normalised)
    # At the edge of what is looked at there is no dip to be seen.
    rows = np.flatnonzero((period > _SHORTEST) & (period < _LONGEST - 1))
    before, at, after = (normalised[rows, period[rows] + step] for step in (-1, 0, 1))
    curve = before - 2 * at + after
    shift = np.where(curve > 0, 0.5 * (before - after) / np.where(curve > 0, curve, 1), 0.0)
    hertz = _PITCH_RATE / (period[rows] + np.clip(shift, -0.5, 0.5))
    found = np.full(len(frames), np.nan)
    found[rows] = np.where((hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ), hertz, np.nan)
    return found, np.asarray((frames**2).mean(1), np.float64)


def _normalised_difference(frames: NDArray[np.float32]) -> _Floats:
    """(n, `_LONGEST`): 0 at a lag after which a frame repeats itself, about 1 at others."""
    window = _FRAME - _LONGEST
    head = np.fft.rfft(frames[:, :window], _TRANSFORM)
    product = np.fft.irfft(np.conj(head) * np.fft.rfft(frames, _TRANSFORM), _TRANSFORM)[:, :_LONGEST]
    energy = np.cumsum(np.pad(frames**2, ((0, 0), (1, 0))), axis=1, dtype=np.float64)
    moved = energy[:, window : window + _LONGEST] - energy[:, :_LONGEST]
    difference = np.maximum(0.0, moved[:, :1] + moved - 2 * product)
    total = np.cumsum(difference, axis=1)
    normalised = np.ones_like(difference)
    normalised[:, 1:] = difference[:, 1:] * np.arange(1, _LONGEST) / np.maximum(total[:, 1:], 1e-12)
    # Digital silence repeats itself at every lag, but it is no voice.
    normalised[total[:, -1] <= 1e-12] = 1.0
    return normalised


def _first_dip(normalised: _Floats) -> NDArray[np.int64]:
    """(n,) lag of the bottom of the first dip below the threshold, 0 where there is none."""
    inside = normalised[:, _SHORTEST:-1]
    bottom = (inside < _APERIODIC) & (inside <= normalised[:, _SHORTEST + 1 :])
    first = bottom.argmax(1)
    return np.asarray(np.where(bottom.any(1), first + _SHORTEST, 0), np.int64)
