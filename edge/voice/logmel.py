"""The log-mel spectrogram that the voice model sees, written once for training and device.

It is the form in which CREMA-D is at hand: 16 kHz, at most 3 s, STFT of 1,024 samples every 256, centred, Hann; 128
mel bands of 0–8 kHz on Slaney's scale (Auditory Toolbox, 1998) and of equal area; decibels relative to the
loudest cell, not below −80; then pairs of bands averaged in power to 64. The level of the whole is lost on purpose.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
WINDOW: Final = 1024
HOP: Final = 256
BANDS: Final = 64
SECONDS: Final = 3.0
FRAMES: Final = 188
FLOOR_DB: Final = -80.0

FRONT_END: Final = {
    "name": "logmel64",
    "rate": RATE,
    "window": WINDOW,
    "hop": HOP,
    "bands": BANDS,
    "seconds": SECONDS,
    "range": [0.0, 1.0],
}
"""How a card names this front end."""

_SAMPLES: Final = int(SECONDS * RATE)
_FINE_BANDS: Final = 2 * BANDS
_TINY: Final = 1e-20


def logmel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(64, 188) float32 in 0…1 (0 is −80 dB, 1 the loudest cell); row 0 is the lowest band.

    `samples`: (n,) float32 at 16 kHz; the first 3 s count, less is padded with silence. Digital silence gives 0.
    """
    clip = np.zeros(_SAMPLES + WINDOW, np.float32)
    heard = samples[:_SAMPLES]
    clip[WINDOW // 2 : WINDOW // 2 + len(heard)] = heard
    frames = np.lib.stride_tricks.sliding_window_view(clip, WINDOW)[::HOP][:FRAMES]
    # Frames beyond the sound are silent: their transform need not be taken.
    loud = min(FRAMES, (len(heard) + WINDOW // 2) // HOP + 1)
    spectrum = np.fft.rfft(frames[:loud] * _hann(), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    fine = np.full((_FINE_BANDS, FRAMES), _TINY)
    fine[:, :loud] = mel_filters() @ power.T
    peak = fine.max()
    if peak <= 10 * _TINY:
        return np.zeros((BANDS, FRAMES), np.float32)
    relative = np.maximum(fine / peak, 10 ** (FLOOR_DB / 10))
    coarse = relative.reshape(BANDS, 2, FRAMES).mean(axis=1)
    return np.asarray(10 * np.log10(coarse) / -FLOOR_DB + 1, np.float32)


@lru_cache
def _hann() -> NDArray[np.float32]:
    # The periodic window: a symmetric one of an odd length without its last sample.
    return np.asarray(np.hanning(WINDOW + 1)[:-1], np.float32)


@lru_cache
def mel_filters() -> NDArray[np.float64]:
    """(128, 513): triangular filters of equal area over the bins of the spectrum, on Slaney's mel scale."""
    frequencies = np.fft.rfftfreq(WINDOW, 1 / RATE)
    corners = _hertz(np.linspace(_mel(0.0), _mel(RATE / 2), _FINE_BANDS + 2))
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (frequencies - left) / (centre - left)
    falling = (right - frequencies) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * 2.0 / (right - left))


# Slaney's scale: linear below 1 kHz, logarithmic above, 27 bands an octave-and-a-bit (a factor of 6.4).
_LINEAR: Final = 200.0 / 3
_BREAK: Final = 1000.0
_STEP: Final = float(np.log(6.4) / 27)


def _mel(hertz: float) -> float:
    if hertz < _BREAK:
        return hertz / _LINEAR
    return _BREAK / _LINEAR + float(np.log(hertz / _BREAK)) / _STEP


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _LINEAR
    return np.asarray(np.where(linear < _BREAK, linear, _BREAK * np.exp(_STEP * (mel - _BREAK / _LINEAR))))
