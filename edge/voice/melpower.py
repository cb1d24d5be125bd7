"""Power in mel bands of a sliding excerpt of sound; frames seen in the previous excerpt are not computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edge.voice.sliding import common


@lru_cache
def _hann(length: int) -> NDArray[np.float32]:
    # The periodic window is a symmetric one of odd length without its last sample.
    return np.asarray(np.hanning(length + 1)[:-1], np.float32)


@dataclass(frozen=True)
class MelPower:
    """A centred short-time Fourier transform with a Hann window, summed to mel bands."""

    window: int
    """Length of the window in samples."""
    hop: int
    """Samples from one frame to the next."""
    filters: NDArray[np.float32]
    """(window // 2 + 1, bands) weights of the bins of the spectrum."""
    frames_with_sound: Callable[[int], int]
    """Number of samples → number of frames to compute."""

    @property
    def padded_frames(self) -> int:
        """Number of frames at the beginning whose window overlaps the padding before the sound."""
        return -(-self.window // 2 // self.hop)

    def of(self, heard: NDArray[np.float32], begin: int, end: int) -> NDArray[np.float32]:
        """(end − begin, bands): power of the frames `begin`…`end`; frame i is centred on sample i·hop."""
        if end <= begin:
            return np.zeros((0, self.filters.shape[1]), np.float32)
        half = self.window // 2
        start, stop = begin * self.hop - half, (end - 1) * self.hop + half
        clip = np.zeros(stop - start, np.float32)
        part = heard[max(0, start) : max(0, stop)]
        offset = max(0, -start)
        clip[offset : offset + len(part)] = part
        frames = np.lib.stride_tricks.sliding_window_view(clip, self.window)[:: self.hop]
        spectrum = np.fft.rfft(frames * _hann(self.window), axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        return np.asarray(power @ self.filters, np.float32)


class MelPowerStream:
    """Computes the power of sound that grows or slides, reusing the frames of the previous call. Not thread-safe."""

    def __init__(self, mel: MelPower) -> None:
        self._mel = mel
        self._samples = np.zeros(0, np.float32)
        self._position = 0
        self._power = mel.of(self._samples, 0, 0)
        self.transformed = 0
        """Number of frames that were transformed so far."""

    def read(self, heard: NDArray[np.float32], position: int) -> NDArray[np.float32]:
        """(frames, bands) power of all frames. `position`: index of the first sample in the stream.

        Frames are reused if `position` is a multiple of the hop after that of the previous call. Sound that differs
        from what was read at its position before is always transformed again.
        """
        loud = self._mel.frames_with_sound(len(heard))
        power = np.empty((loud, self._power.shape[1]), np.float32)
        first, known = self._reusable(heard, position)
        moved = (position - self._position) // self._mel.hop
        power[first:known] = self._power[first + moved : known + moved]
        power[:first] = self._mel.of(heard, 0, first)
        power[known:] = self._mel.of(heard, known, loud)
        self.transformed += first + loud - known
        self._samples, self._position, self._power = heard.copy(), position, power
        return power

    def _reusable(self, heard: NDArray[np.float32], position: int) -> tuple[int, int]:
        """The range (first, end) of frames of the new sound that can be taken from the previous call."""
        mel = self._mel
        hops, rest = divmod(position - self._position, mel.hop)
        both = common(self._samples, heard, position - self._position)
        if rest or both < mel.window:
            return 0, 0
        # A frame can be reused if its window contained no padding, neither then nor now. Where both sounds begin at the
        # same position, the padding before them is the same, too.
        return (mel.padded_frames if hops else 0), (both - mel.window // 2) // mel.hop + 1
