"""Voicing of a short sound: how many of its steps repeat themselves at the pitch of a human voice.

A word has a vowel, whose vocal folds swing regularly; a knock, a click, a cough and rustling have none. Measured by the
normalised autocorrelation of a windowed frame, corrected for the window (Boersma, IFA Proceedings 17, 1993).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.hearing.cleaning import STEP
from edge.hearing.resample import RATE

_FRAME: Final = 512
"""Length of a frame in samples, 32 ms: two periods of the lowest voice."""
_LOWEST_HZ, _HIGHEST_HZ = 70, 450
"""Range of the fundamental frequencies of voices."""
_LEAST: Final = 0.6
"""Minimum correlation of a frame with itself one period later that counts as voiced."""
_REGULAR: Final = 0.985
"""A frame that correlates more than this with itself one period later is more regular than a voice usually is."""
_TONE_SHARE: Final = 0.8
"""A sound of which more than this share of the voiced frames is so regular is a tone, such as a beep."""
_FAINTEST: Final = 1e-9
"""A frame of less power than this (−90 dBFS) is not voiced."""

_LAGS: Final = slice(RATE // _HIGHEST_HZ, RATE // _LOWEST_HZ)
_WINDOW: Final = np.hanning(_FRAME).astype(np.float32)
_OF_WINDOW: Final = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, 2 * _FRAME)) ** 2)[_LAGS] / float(np.sum(_WINDOW**2))
"""Autocorrelation of the window itself, by which that of a frame is divided."""


def voiced(samples: NDArray[np.float32]) -> int:
    """Number of 10 ms steps, each judged by 32 ms, of (n,) samples at 16 kHz, −1…1, that are voiced; 0 for a tone."""
    if len(samples) < _FRAME:
        return 0
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::STEP]
    frames = (frames - frames.mean(1, keepdims=True)) * _WINDOW
    power = np.square(frames).sum(1)
    heard = frames[power > _FAINTEST * _FRAME]
    if not len(heard):
        return 0
    correlation = np.fft.irfft(np.abs(np.fft.rfft(heard, 2 * _FRAME)) ** 2)
    peaks = (correlation[:, _LAGS] / _OF_WINDOW).max(1) / correlation[:, 0]
    found = int(np.count_nonzero(peaks >= _LEAST))
    return 0 if np.count_nonzero(peaks > _REGULAR) > _TONE_SHARE * found else found
