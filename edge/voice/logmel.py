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

from edge.voice.sliding import common

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
_PADDED_FRAMES: Final = WINDOW // 2 // HOP
"""Number of frames at the beginning whose window overlaps the padding before the sound."""


def logmel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the log-mel spectrogram, (64, 188) float32 in 0…1; row 0 is the lowest band.

    0 is −80 dB, 1 is the loudest cell. `samples`: (n,) float32 at 16 kHz; only the first 3 s are used, shorter sound is
    padded with silence. Digital silence gives 0 everywhere.
    """
    heard = samples[:_SAMPLES]
    return _relative_level(_mel_power(heard, 0, _frames_with_sound(len(heard))))


class LogMelStream:
    """Computes the same spectrogram for sound that grows or slides, reusing the frames of the previous call.

    Of the frames seen before, only those whose window extends beyond either end of the sound are computed again: two at
    the beginning and four at the end. Not thread-safe.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.float32)
        self._position = 0
        self._power = np.zeros((0, _FINE_BANDS), np.float32)
        self.transformed = 0
        """Number of frames that were transformed so far."""

    def read(self, samples: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        """Returns what `logmel(samples)` returns. `position`: index of the first sample in the stream.

        Frames are reused if `position` is a multiple of `HOP` samples after that of the previous call. Sound that
        differs from what was read at its position before is always transformed again.
        """
        heard = samples[:_SAMPLES]
        loud = _frames_with_sound(len(heard))
        power = np.empty((loud, _FINE_BANDS), np.float32)
        first, known = self._reusable(heard, position)
        moved = (position - self._position) // HOP
        power[first:known] = self._power[first + moved : known + moved]
        power[:first] = _mel_power(heard, 0, first)
        power[known:] = _mel_power(heard, known, loud)
        self.transformed += first + loud - known
        self._samples, self._position, self._power = heard.copy(), position, power
        return _relative_level(power)

    def _reusable(self, heard: NDArray[np.float32], position: int) -> tuple[int, int]:
        """The range (first, end) of frames of the new sound that can be taken from the previous call."""
        hops, rest = divmod(position - self._position, HOP)
        both = common(self._samples, heard, position - self._position)
        if rest or both < WINDOW:
            return 0, 0
        # A frame can be reused if its window contained no padding, neither then nor now. Where both sounds begin at the
        # same position, the padding before them is the same, too.
        return (_PADDED_FRAMES if hops else 0), (both - WINDOW // 2) // HOP + 1


def _frames_with_sound(samples: int) -> int:
    """Number of frames whose window contains sound; the others are silent and need no transform."""
    return min(FRAMES, (samples + WINDOW // 2) // HOP + 1)


def _mel_power(heard: NDArray[np.float32], begin: int, end: int) -> NDArray[np.float32]:
    """(end − begin, 128): power in each mel band of the frames `begin`…`end`; frame i is centred on sample i·HOP."""
    if end <= begin:
        return np.zeros((0, _FINE_BANDS), np.float32)
    start, stop = begin * HOP - WINDOW // 2, (end - 1) * HOP + WINDOW // 2
    clip = np.zeros(stop - start, np.float32)
    part = heard[max(0, start) : max(0, stop)]
    offset = max(0, -start)
    clip[offset : offset + len(part)] = part
    frames = np.lib.stride_tricks.sliding_window_view(clip, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * _hann(), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(power @ _bins_to_bands())


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
def _hann() -> NDArray[np.float32]:
    # The periodic window is a symmetric one of odd length without its last sample.
    return np.asarray(np.hanning(WINDOW + 1)[:-1], np.float32)


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
