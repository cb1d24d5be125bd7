"""The log-mel spectrogram of the voice model: one implementation for training and device.

It has the form in which CREMA-D is available: 16 kHz, at most 3 s; centred STFT with a Hann window of 1,024 samples and
a hop of 256; 128 equal-area mel bands over 0–8 kHz on Slaney's scale (Auditory Toolbox, 1998); decibels relative to the
loudest cell, clipped at −80; then pairs of bands averaged in power to 64. The absolute level is discarded on purpose.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.melpower import MelPower, MelPowerStream

RATE: Final = 16_000
"""Sampling rate in Hz."""
WINDOW: Final = 1024
"""Length of the STFT window in samples."""
HOP: Final = 256
"""Samples from one frame to the next."""
BANDS: Final = 64
"""Number of mel bands of the spectrogram."""
SECONDS: Final = 3.0
"""Length of the sound that a spectrogram covers, in seconds."""
FRAMES: Final = 188
"""Number of frames of a spectrogram."""
FLOOR_DB: Final = -80.0
"""Lowest level in dB relative to the loudest cell; it maps to 0."""

FRONT_END: Final = {
    "name": "logmel64",
    "rate": RATE,
    "window": WINDOW,
    "hop": HOP,
    "bands": BANDS,
    "seconds": SECONDS,
    "range": [0.0, 1.0],
}
"""The description of this front end in a model card."""

_SAMPLES: Final = int(SECONDS * RATE)
"""Number of samples that a spectrogram covers."""
_FINE_BANDS: Final = 2 * BANDS
"""Number of mel bands before pairs of them are averaged."""
_MIN_POWER: Final = 1e-20
"""Sound whose loudest cell has at most ten times this power counts as digital silence."""


def logmel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the log-mel spectrogram, (64, 188) float32 in 0…1; row 0 is the lowest band.

    0 is −80 dB, 1 is the loudest cell. `samples`: (n,) float32 at 16 kHz; only the first 3 s are used, shorter sound is
    padded with silence. Digital silence gives 0 everywhere.
    """
    heard = samples[:_SAMPLES]
    return _relative_level(_mel_power().of(heard, 0, _frames_with_sound(len(heard))))


class LogMelStream:
    """Computes the same spectrogram for sound that grows or slides, reusing the frames of the previous call.

    Of the frames seen before, only those whose window extends beyond either end of the sound are computed again: two at
    the beginning and four at the end. Not thread-safe.
    """

    def __init__(self) -> None:
        self._stream = MelPowerStream(_mel_power())

    @property
    def transformed(self) -> int:
        """Number of frames that were transformed so far."""
        return self._stream.transformed

    def read(self, samples: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        """Returns what `logmel(samples)` returns. `position`: index of the first sample in the stream."""
        return _relative_level(self._stream.read(samples[:_SAMPLES], position))


def _frames_with_sound(samples: int) -> int:
    """Number of frames whose window contains sound; the others are silent and need no transform."""
    return min(FRAMES, (samples + WINDOW // 2) // HOP + 1)


@lru_cache
def _mel_power() -> MelPower:
    return MelPower(WINDOW, HOP, _bins_to_bands(), _frames_with_sound)


def _relative_level(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """(64, 188) in 0…1: the given (frames, 128) powers in decibels relative to the loudest; other frames are 0."""
    peak = power.max(initial=0.0)
    if peak <= 10 * _MIN_POWER:
        return np.zeros((BANDS, FRAMES), np.float32)
    relative = np.maximum(power / peak, np.float32(10 ** (FLOOR_DB / 10)))
    coarse = (relative[:, ::2] + relative[:, 1::2]) / 2
    found = np.zeros((BANDS, FRAMES), np.float32)
    # Rounding could give values slightly below the floor.
    found[:, : len(power)] = np.maximum(np.log10(coarse) * np.float32(10 / -FLOOR_DB) + 1, 0).T
    return found


@lru_cache
def _bins_to_bands() -> NDArray[np.float32]:
    return np.ascontiguousarray(mel_filters().T, np.float32)


@lru_cache
def mel_filters(bands: int = _FINE_BANDS, window: int = WINDOW) -> NDArray[np.float64]:
    """(bands, window // 2 + 1): triangular equal-area filters over the bins of the spectrum, on Slaney's mel scale.

    `bands`: number of bands over 0–8 kHz; `window`: length of the Fourier transform in samples.
    """
    frequencies = np.fft.rfftfreq(window, 1 / RATE)
    corners = _hertz(np.linspace(_mel(0.0), _mel(RATE / 2), bands + 2))
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising = (frequencies - left) / (centre - left)
    falling = (right - frequencies) / (right - centre)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(triangles * 2.0 / (right - left))


# Slaney's mel scale is linear below 1 kHz and logarithmic above.
_HZ_PER_MEL: Final = 200.0 / 3
"""Hz per mel in the linear part of Slaney's scale."""
_BREAK_HZ: Final = 1000.0
"""Frequency in Hz at which Slaney's scale changes from linear to logarithmic."""
_LOG_STEP: Final = float(np.log(6.4) / 27)
"""Natural logarithm of the frequency ratio of one mel above 1 kHz: 27 mel are a factor of 6.4."""


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _HZ_PER_MEL
    return _BREAK_HZ / _HZ_PER_MEL + float(np.log(hertz / _BREAK_HZ)) / _LOG_STEP


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = mel * _HZ_PER_MEL
    return np.asarray(
        np.where(linear < _BREAK_HZ, linear, _BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_HZ / _HZ_PER_MEL)))
    )
