"""The 34 short-term voice features of the origin project, as pyAudioAnalysis defines them.

Source: Giannakopoulos, "pyAudioAnalysis", PLoS ONE 10(12), 2015. Windows of 0.2 s start every 0.1 s at 16 kHz; at most
100 frames, zero-padded. The cepstra need the extra `mfcc`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.mfcc import CEPSTRA, cepstra

RATE: Final = 16_000
"""Sampling rate in Hz."""
WINDOW: Final = 3200
"""Length of a window in samples: 0.2 s."""
STEP: Final = 1600
"""Samples from one window to the next: 0.1 s."""
FRAMES: Final = 100
"""Number of frames, which cover 10 s."""
NAMES: Final = (
    *("zero-crossing rate", "energy", "entropy of energy"),
    *("spectral centroid", "spectral spread", "spectral entropy", "spectral flux", "spectral roll-off"),
    *(f"MFCC {number}" for number in range(1, CEPSTRA + 1)),
    *(f"chroma {note}" for note in ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")),
    "chroma deviation",
)
"""Names of the features, in their order."""
COUNT: Final = len(NAMES)
"""Number of features per frame."""

FRONT_END: Final = {
    "name": "shortterm34",
    "rate": RATE,
    "window": WINDOW,
    "step": STEP,
    "frames": FRAMES,
    "features": COUNT,
}
"""The description of this front end in a model card."""

_ENTROPY_BLOCKS: Final = 10
"""Number of equal parts of a window, or of its spectrum, over which the entropy is computed."""
_ROLL_OFF: Final = 0.9
"""Share of the energy that lies below the roll-off frequency."""
_REFERENCE_HZ: Final = 27.5
"""Frequency of A0, the reference note of the chroma features."""
_EPSILON: Final = 1e-8
"""Added to denominators and logarithms, so that silence gives finite values."""

_Array = NDArray[np.float64]


def short_term(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the features, (100, 34) float32 in the order of `NAMES`, of (n,) samples at 16 kHz in −1…1.

    Only the first 10 s are used. Frames beyond the end of the sound are 0, which is all of them if the sound is shorter
    than a window. Raises `MissingExtraError`.
    """
    found = np.zeros((FRAMES, COUNT), np.float32)
    count = min(FRAMES, (len(samples) - WINDOW) // STEP + 1)
    if count <= 0:
        return found
    sound = np.asarray(samples[: (count - 1) * STEP + WINDOW], np.float64)
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)[::STEP]
    spectrum = np.abs(np.fft.rfft(windows, axis=1))[:, : WINDOW // 2] / (WINDOW // 2)
    before = np.vstack([spectrum[:1], spectrum[:-1]])
    columns = [
        np.abs(np.diff(np.sign(windows), axis=1)).sum(1) / 2 / (WINDOW - 1),
        (windows**2).mean(1),
        _entropy(windows**2),
        *_moments(spectrum),
        _entropy(spectrum**2),
        ((_shares(spectrum) - _shares(before)) ** 2).sum(1),
        _roll_off(spectrum),
    ]
    found[:count, :8] = np.stack(columns, axis=1)
    found[:count, 8 : 8 + CEPSTRA] = cepstra(sound, WINDOW, STEP, 4096)[:count]
    found[:count, 8 + CEPSTRA :] = _chroma(spectrum)
    return found


def _shares(spectrum: _Array) -> _Array:
    return np.asarray(spectrum / (spectrum.sum(1, keepdims=True) + _EPSILON))


def _entropy(power: _Array) -> _Array:
    """(n,) entropy in bits of the energy of ten equal parts of each row."""
    whole = power.shape[1] // _ENTROPY_BLOCKS * _ENTROPY_BLOCKS
    parts = power[:, :whole].reshape(len(power), _ENTROPY_BLOCKS, -1).sum(2) / (power.sum(1, keepdims=True) + _EPSILON)
    return np.asarray(-(parts * np.log2(parts + _EPSILON)).sum(1))


def _moments(spectrum: _Array) -> tuple[_Array, _Array]:
    """Spectral centroid and spread, both (n,) as shares of the Nyquist frequency."""
    frequency = np.arange(1, spectrum.shape[1] + 1) * (RATE / (2 * spectrum.shape[1]))
    weight = spectrum / (spectrum.max(1, keepdims=True) + _EPSILON)
    total = weight.sum(1) + _EPSILON
    centre = weight @ frequency / total
    spread = np.sqrt((weight * (frequency - centre[:, None]) ** 2).sum(1) / total)
    return centre / (RATE / 2), spread / (RATE / 2)


def _roll_off(spectrum: _Array) -> _Array:
    """(n,) frequency below which 90 % of the energy lie, as a share of the Nyquist frequency."""
    energy = np.cumsum(spectrum**2, axis=1)
    above = energy > _ROLL_OFF * energy[:, -1:]
    return np.where(above.any(1), above.argmax(1) / spectrum.shape[1], 0.0)


def _chroma(spectrum: _Array) -> _Array:
    """(n, 13): share of the energy in each of the twelve pitch classes, and the standard deviation of these shares."""
    notes = spectrum**2 @ _pitch_classes() / ((spectrum**2).sum(1, keepdims=True) + _EPSILON)
    return np.hstack([notes, notes.std(1, keepdims=True)])


@lru_cache
def _pitch_classes() -> _Array:
    """(bins, 12): assigns each bin to its pitch class, with the weight 1 / number of bins of its note."""
    frequency = np.arange(1, WINDOW // 2 + 1) * (RATE / WINDOW)
    semitone = np.rint(12 * np.log2(frequency / _REFERENCE_HZ)).astype(int)
    matrix = np.zeros((len(frequency), 12))
    counts = {number: int((semitone == number).sum()) for number in np.unique(semitone)}
    for row, number in enumerate(semitone):
        if number >= 0:
            matrix[row, number % 12] = 1 / counts[number]
    return matrix
