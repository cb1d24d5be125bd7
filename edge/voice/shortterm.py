"""The 34 short-term features of the voice that the origin project read, as pyAudioAnalysis defines them.

Giannakopoulos, "pyAudioAnalysis", PLoS ONE 10(12), 2015: windows of 0.2 s every 0.1 s at 16 kHz, 100 frames at most,
zero-padded. Needs the extra `mfcc` for the cepstra.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.mfcc import CEPSTRA, cepstra

RATE: Final = 16_000
WINDOW: Final = 3200
STEP: Final = 1600
FRAMES: Final = 100
NAMES: Final = (
    *("zero-crossing rate", "energy", "entropy of energy"),
    *("spectral centroid", "spectral spread", "spectral entropy", "spectral flux", "spectral roll-off"),
    *(f"MFCC {number}" for number in range(1, CEPSTRA + 1)),
    *(f"chroma {note}" for note in ("A", "A#", "B", "C", "C#", "D", "D#", "E", "F", "F#", "G", "G#")),
    "chroma deviation",
)
COUNT: Final = len(NAMES)

FRONT_END: Final = {
    "name": "shortterm34",
    "rate": RATE,
    "window": WINDOW,
    "step": STEP,
    "frames": FRAMES,
    "features": COUNT,
}
"""How a card names this front end."""

_BLOCKS: Final = 10
"""Parts of a window, or of its spectrum, over which entropy is taken."""
_ROLL_OFF: Final = 0.9
"""Share of the energy below the roll-off."""
_LOWEST_HZ: Final = 27.5
"""A0, the note that chroma are counted from."""
_TINY: Final = 1e-8

_Array = NDArray[np.float64]


def short_term(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(100, 34) float32 of (n,) samples at 16 kHz in −1…1, in the order of `NAMES`; the first 10 s count.

    Frames beyond the sound are 0, also where it is shorter than a window. Raises `MissingExtraError`.
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
    return np.asarray(spectrum / (spectrum.sum(1, keepdims=True) + _TINY))


def _entropy(power: _Array) -> _Array:
    """(n,) bits: how evenly energy is spread over ten equal parts of each row."""
    whole = power.shape[1] // _BLOCKS * _BLOCKS
    parts = power[:, :whole].reshape(len(power), _BLOCKS, -1).sum(2) / (power.sum(1, keepdims=True) + _TINY)
    return np.asarray(-(parts * np.log2(parts + _TINY)).sum(1))


def _moments(spectrum: _Array) -> tuple[_Array, _Array]:
    """Centre of gravity of the spectrum and spread about it, both as shares of the Nyquist frequency."""
    frequency = np.arange(1, spectrum.shape[1] + 1) * (RATE / (2 * spectrum.shape[1]))
    weight = spectrum / (spectrum.max(1, keepdims=True) + _TINY)
    total = weight.sum(1) + _TINY
    centre = weight @ frequency / total
    spread = np.sqrt((weight * (frequency - centre[:, None]) ** 2).sum(1) / total)
    return centre / (RATE / 2), spread / (RATE / 2)


def _roll_off(spectrum: _Array) -> _Array:
    """Where 90 % of the energy lie below, as a share of the Nyquist frequency."""
    energy = np.cumsum(spectrum**2, axis=1)
    above = energy > _ROLL_OFF * energy[:, -1:]
    return np.where(above.any(1), above.argmax(1) / spectrum.shape[1], 0.0)


def _chroma(spectrum: _Array) -> _Array:
    """(n, 13): share of the energy in each of the twelve notes of all octaves, and their standard deviation."""
    notes = spectrum**2 @ _notes() / ((spectrum**2).sum(1, keepdims=True) + _TINY)
    return np.hstack([notes, notes.std(1, keepdims=True)])


@lru_cache
def _notes() -> _Array:
    """(bins, 12): which note a bin belongs to, each note by the mean of its bins in every octave."""
    frequency = np.arange(1, WINDOW // 2 + 1) * (RATE / WINDOW)
    semitone = np.rint(12 * np.log2(frequency / _LOWEST_HZ)).astype(int)
    matrix = np.zeros((len(frequency), 12))
    counts = {number: int((semitone == number).sum()) for number in np.unique(semitone)}
    for row, number in enumerate(semitone):
        if number >= 0:
            matrix[row, number % 12] = 1 / counts[number]
    return matrix
