"""The log-mel spectrogram of Whisper's encoder, relative to the loudest cell, for training and device.

As in Radford et al. (Robust Speech Recognition via Large-Scale Weak Supervision, ICML 2023): 16 kHz, a Hann window of
400 samples every 160 samples, 80 equal-area mel bands over 0–8 kHz on Slaney's scale, clipped 80 dB below the loudest
cell. Two things differ: a spectrogram covers 3 s instead of 30 s, and the absolute level is discarded, so that a quiet
microphone gives the same numbers as a loud one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import RATE, mel_filters
from edge.voice.melpower import MelPower, MelPowerStream

WINDOW: Final = 400
"""Length of the STFT window in samples (25 ms)."""
HOP: Final = 160
"""Samples from one frame to the next (10 ms)."""
BANDS: Final = 80
"""Number of mel bands."""
SECONDS: Final = 3.0
"""Length of the sound that a spectrogram covers, in seconds."""
FRAMES: Final = 300
"""Number of frames of a spectrogram."""
FLOOR_DB: Final = -80.0
"""Lowest level in dB relative to the loudest cell; it maps to 0."""

FRONT_END: Final = {
    "name": "whisper80",
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
_MIN_POWER: Final = 1e-20
"""Sound whose loudest cell has at most ten times this power counts as digital silence."""


def whisper_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the log-mel spectrogram, (300, 80) float32 in 0…1; column 0 is the lowest band.

    0 is −80 dB, 1 is the loudest cell. `samples`: (n,) float32 at 16 kHz; only the first 3 s are used, frames after the
    end of shorter sound are 0. Digital silence gives 0 everywhere.
    """
    heard = samples[:_SAMPLES]
    return _relative_level(_mel_power().of(heard, 0, _frames_with_sound(len(heard))))


class WhisperMelStream:
    """Computes the same spectrogram for sound that grows or slides, reusing the frames of the previous call.

    Not thread-safe.
    """

    def __init__(self) -> None:
        self._stream = MelPowerStream(_mel_power())

    @property
    def transformed(self) -> int:
        """Number of frames that were transformed so far."""
        return self._stream.transformed

    def read(self, samples: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        """Returns what `whisper_mel(samples)` returns. `position`: index of the first sample in the stream."""
        return _relative_level(self._stream.read(samples[:_SAMPLES], position))


def _frames_with_sound(samples: int) -> int:
    """Number of frames whose centre lies in the sound."""
    return min(FRAMES, -(-samples // HOP))


@lru_cache
def _mel_power() -> MelPower:
    return MelPower(WINDOW, HOP, _bins_to_bands(), _frames_with_sound)


def _relative_level(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """(300, 80) in 0…1: the given (frames, 80) powers in decibels relative to the loudest; other frames are 0."""
    found = np.zeros((FRAMES, BANDS), np.float32)
    peak = power.max(initial=0.0)
    if peak > 10 * _MIN_POWER:
        relative = np.maximum(power / peak, np.float32(10 ** (FLOOR_DB / 10)))
        # Rounding could give values slightly below the floor.
        found[: len(power)] = np.maximum(np.log10(relative) * np.float32(10 / -FLOOR_DB) + 1, 0)
    return found


@lru_cache
def _bins_to_bands() -> NDArray[np.float32]:
    return np.ascontiguousarray(mel_filters(BANDS, WINDOW).T, np.float32)
