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

from edge.voice.sliding import common

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
_REACH: Final = WINDOW // 2 // HOP
"""Frames that the padding before the sound reaches into."""


def logmel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(64, 188) float32 in 0…1 (0 is −80 dB, 1 the loudest cell); row 0 is the lowest band.

    `samples`: (n,) float32 at 16 kHz; the first 3 s count, less is padded with silence. Digital silence gives 0.
    """
    heard = samples[:_SAMPLES]
    return _relative(_mel_power(heard, 0, _loud(len(heard))))


class LogMelStream:
    """The same spectrogram of sound that grows or slides: what was transformed once is not transformed again.

    Only frames that reach beyond either end of the sound are taken anew, two before and four behind. Not thread-safe.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0, np.float32)
        self._position = 0
        self._power = np.zeros((0, _FINE_BANDS), np.float32)
        self.transformed = 0
        """Frames whose spectrum was taken so far."""

    def read(self, samples: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        """`logmel(samples)`. `position`: of the first sample in the stream, in samples.

        Frames are used again where it lies a whole number of `HOP` after the last one; whatever the position says,
        what does not equal the sound heard there before is transformed afresh.
        """
        heard = samples[:_SAMPLES]
        loud = _loud(len(heard))
        power = np.empty((loud, _FINE_BANDS), np.float32)
        first, known = self._known(heard, position)
        moved = (position - self._position) // HOP
        power[first:known] = self._power[first + moved : known + moved]
        power[:first] = _mel_power(heard, 0, first)
        power[known:] = _mel_power(heard, known, loud)
        self.transformed += first + loud - known
        self._samples, self._position, self._power = heard.copy(), position, power
        return _relative(power)

    def _known(self, heard: NDArray[np.float32], position: int) -> tuple[int, int]:
        """First and last-but-one frame of the new sound that are at hand."""
        hops, rest = divmod(position - self._position, HOP)
        both = common(self._samples, heard, position - self._position)
        if rest or both < WINDOW:
            return 0, 0
        # A frame serves where no padding reaches into it, neither then nor now; before the same beginning it is alike.
        return (_REACH if hops else 0), (both - WINDOW // 2) // HOP + 1


def _loud(samples: int) -> int:
    """Frames that sound reaches into; the transform of the others need not be taken."""
    return min(FRAMES, (samples + WINDOW // 2) // HOP + 1)


def _mel_power(heard: NDArray[np.float32], begin: int, end: int) -> NDArray[np.float32]:
    """(end − begin, 128): power in each band of some frames; frame i is centred on sample i·HOP."""
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


def _relative(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """(64, 188): band powers of the frames that are not silent, in decibels below the loudest."""
    peak = power.max(initial=0.0)
    if peak <= 10 * _TINY:
        return np.zeros((BANDS, FRAMES), np.float32)
    relative = np.maximum(power / peak, np.float32(10 ** (FLOOR_DB / 10)))
    coarse = (relative[:, ::2] + relative[:, 1::2]) / 2
    found = np.zeros((BANDS, FRAMES), np.float32)
    # Rounding must not lead below the floor.
    found[:, : len(power)] = np.maximum(np.log10(coarse) * np.float32(10 / -FLOOR_DB) + 1, 0).T
    return found


@lru_cache
def _hann() -> NDArray[np.float32]:
    # The periodic window: a symmetric one of an odd length without its last sample.
    return np.asarray(np.hanning(WINDOW + 1)[:-1], np.float32)


@lru_cache
def _bins_to_bands() -> NDArray[np.float32]:
    return np.ascontiguousarray(mel_filters().T, np.float32)


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
