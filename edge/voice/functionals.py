"""Functionals: statistics of the log-mel spectrogram of an utterance.

They follow openSMILE's functionals (Schuller et al., INTERSPEECH 2009 Emotion Challenge) and GeMAPS (Eyben et al., IEEE
Trans. Affective Computing 7(2), 2016), but use the log-mel alone, so that a model can also learn from CREMA-D, which is
available in that form only. `edge.voice.intonation` adds the pitch. With few speakers in training, a small net on
functionals generalises better to new speakers than a convolutional net of the same size.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import BANDS, FLOOR_DB, FRAMES

SIZE: Final = 860
"""Number of functionals per utterance."""

_SPEECH_RANGE_DB: Final = 40.0
"""A frame within 40 dB of the loudest one counts as speech; the utterance spans the first to the last such frame."""
_VOICED_RANGE_DB: Final = 30.0
"""A frame within 30 dB of the loudest one counts as voiced; all other frames count as pauses."""
_MIN_FRAMES: Final = 8
"""Minimum length of an utterance in frames; a shorter one is extended to this length."""
_CEPSTRA: Final = 24
"""Number of cepstral coefficients."""
_CONTOUR_CEPSTRA: Final = 8
"""Number of cepstral coefficients whose contour over time is described."""
_BAND_GROUPS: Final = 8
"""Number of groups of mel bands for which the modulation spectrum is computed."""
_MODULATION_FFT: Final = 256
"""Length in frames of the FFT that gives the modulation spectrum."""
_PEAK_RANGE_DB: Final = 25.0
"""An energy peak counts if it is within 25 dB of the loudest frame."""
_BAND_RANGES: Final = ((1, 9), (3, 16), (0, 64), (16, 64))
"""Ranges of mel bands (first, end) whose energy distribution is described.

They are the pitch (about 60…650 Hz), the first formant, all bands, and the bands from 1.4 kHz up.
"""

_Array = NDArray[np.float32]


def functionals(mel: _Array) -> _Array:
    """Computes the functionals, (860,) float32, of a (64, 188) log-mel spectrogram in 0…1.

    They are not yet standardised. Silence gives finite values, too.
    """
    decibels = (mel - 1) * np.float32(-FLOOR_DB)
    power = np.power(np.float32(10), decibels / 10)
    energy = 10 * np.log10(power.sum(0))
    spoken = np.flatnonzero(energy > energy.max() - _SPEECH_RANGE_DB)
    first, last = (spoken[0], spoken[-1] + 1) if mel.any() else (0, 0)
    if last - first < _MIN_FRAMES:
        first, last = (0, _MIN_FRAMES) if last <= _MIN_FRAMES else (last - _MIN_FRAMES, last)
    decibels, power, energy = decibels[:, first:last], power[:, first:last], energy[first:last] - energy.max()
    voiced = energy > -_VOICED_RANGE_DB
    cepstra = _dct_matrix(BANDS, _CEPSTRA) @ decibels
    parts = [
        *_bands(decibels, decibels[:, voiced]),
        *_timbre(cepstra, cepstra[:, voiced]),
        *_thirds_compared(cepstra, cepstra[:, voiced].mean(1), energy),
        _energy(energy, voiced),
        _rhythm(decibels),
        _contours(cepstra),
        _energy_distribution(power[:, voiced]),
    ]
    return np.concatenate([np.ravel(part) for part in parts]).astype(np.float32)


def _quantile(ordered: _Array, share: float) -> _Array:
    """The quantile at `share` (0…1) along the last axis, which is in ascending order."""
    count = ordered.shape[-1]
    return ordered[..., min(count - 1, int(share * count))]


def _differences(values: _Array) -> _Array:
    """First differences along the last axis (time); a single 0 where there is only one frame."""
    return np.diff(values, axis=-1) if values.shape[-1] > 1 else np.zeros_like(values)


def _bands(spoken: _Array, voiced: _Array) -> list[_Array]:
    """Level, spread, change over time and curvature across bands: 7 × 64 − 2 values."""
    ordered = np.sort(voiced, axis=1)
    return [
        *(voiced.mean(1), voiced.std(1), _quantile(ordered, 0.1), _quantile(ordered, 0.5), _quantile(ordered, 0.9)),
        np.abs(_differences(spoken)).mean(1),
        np.abs(np.diff(voiced, 2, axis=0)).mean(1),
    ]


def _timbre(spoken: _Array, voiced: _Array) -> list[_Array]:
    """Statistics of the mel cepstra and their differences (Davis & Mermelstein, 1980): 7 × 24 values."""
    mean, ordered = voiced.mean(1), np.sort(voiced, axis=1)
    change = _differences(voiced)
    low, high = _quantile(ordered, 0.1) - mean, _quantile(ordered, 0.9) - mean
    return [
        mean,
        voiced.std(1),
        low,
        high,
        change.std(1),
        _differences(change).std(1),
        np.abs(_differences(spoken)).mean(1),
    ]


def _thirds_compared(cepstra: _Array, mean: _Array, energy: _Array) -> list[_Array]:
    """How the first, middle and last third differ: 3 × 13 values of cepstra, 3 × 3 of energy."""
    parts = thirds(len(energy))
    shapes = [cepstra[:13, part].mean(1) - mean[:13] for part in parts]
    levels = [energy[part] for part in parts]
    return [*shapes, *(np.array([level.mean(), level.std(), level.max()]) for level in levels)]


def thirds(count: int) -> tuple[slice, slice, slice]:
    """Slices that divide `count` items into thirds; the first parts get the remainder.

    It divides as `numpy.array_split` does, which takes eight times as long.
    """
    first, second = (count + 2) // 3, (count + 2) // 3 + (count + 1) // 3
    return slice(0, first), slice(first, second), slice(second, count)


def _energy(energy: _Array, voiced: NDArray[np.bool_]) -> _Array:
    """(14,): quantiles and differences of energy, duration, voiced share, peak rate and pauses."""
    frames = len(energy)
    ordered, change = np.sort(energy), _differences(energy)
    smooth = np.convolve(energy, np.full(5, 0.2), "same")
    peak = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] > smooth[2:]) & (smooth[1:-1] > -_PEAK_RANGE_DB)
    peaks, edges = np.count_nonzero(peak), np.count_nonzero(voiced[1:] != voiced[:-1])
    shares = [frames / FRAMES, voiced.mean(), voiced.sum() / FRAMES, peaks / 10, 10 * peaks / frames, edges / 10]
    quantiles = [_quantile(ordered, share) for share in (0.1, 0.25, 0.5, 0.75, 0.9)]
    return np.array([*quantiles, energy.std(), change.std(), np.abs(change).mean(), *shares], np.float32)


def _rhythm(decibels: _Array) -> _Array:
    """(8, 8): log modulation spectrum, 0.2…8 Hz, of eight groups of bands."""
    groups = decibels.reshape(_BAND_GROUPS, -1, decibels.shape[1]).mean(1)
    groups = (groups - groups.mean(1, keepdims=True)) * np.hanning(groups.shape[1])
    size = np.abs(np.fft.rfft(groups, _MODULATION_FFT, axis=1))[:, 1:33] / np.sqrt(groups.shape[1])
    return np.asarray(np.log(size.reshape(_BAND_GROUPS, 8, 4).mean(2) + 0.1), np.float32)


def _contours(cepstra: _Array) -> _Array:
    """(8, 5): contours of the first cepstra over time, as the first terms of their discrete cosine transform."""
    frames = cepstra.shape[1]
    return np.asarray(cepstra[:_CONTOUR_CEPSTRA] @ _dct_matrix(frames, 6)[1:].T / np.sqrt(frames), np.float32)


def _energy_distribution(power: _Array) -> _Array:
    """Spectral centroid, spread, flatness and peak in four ranges of bands: 4 ranges × 5 statistics × 4 measures."""
    power = power + np.float32(1e-9)
    logarithm = np.log(power)
    by_frame = np.ascontiguousarray(power.T)
    measures = np.empty((len(_BAND_RANGES), 4, power.shape[1]), np.float32)
    for found, (low, high) in zip(measures, _BAND_RANGES, strict=True):
        moments = _moment_weights(low, high) @ power[low:high]
        total, centre = moments[0], moments[1] / moments[0]
        found[0] = centre
        found[1] = np.sqrt(np.maximum(moments[2] / total - centre**2, 0))
        found[2] = logarithm[low:high].mean(0) - np.log(total / (high - low))
        found[3] = by_frame[:, low:high].argmax(1)
    ordered = np.sort(measures, axis=2)
    change = np.abs(_differences(measures)).mean(2)
    statistics = [measures.mean(2), measures.std(2), _quantile(ordered, 0.1), _quantile(ordered, 0.9), change]
    return np.stack(statistics, axis=1)


@lru_cache
def _moment_weights(low: int, high: int) -> _Array:
    """(3, high − low): ones, the band indices and their squares, which weight the moments of order 0, 1 and 2."""
    bands = np.arange(low, high, dtype=np.float32)
    return np.stack([np.ones_like(bands), bands, bands**2])


@lru_cache(FRAMES)
def _dct_matrix(count: int, rows: int) -> _Array:
    """(rows, count): matrix of the orthonormal discrete cosine transform, type II."""
    angle = np.pi * np.arange(rows)[:, None] * (np.arange(count) + 0.5) / count
    matrix = np.cos(angle) * np.sqrt(2 / count)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)
