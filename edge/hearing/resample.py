"""Resamples sound of any rate to 16 kHz, chunk by chunk and without discontinuities between chunks."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError

RATE: Final = 16_000
"""Output sampling rate in Hz."""
LOWEST: Final = 8_000
"""Lowest input sampling rate in Hz."""
HIGHEST: Final = 96_000
"""Highest input sampling rate in Hz."""

_LOBES: Final = 16
"""Number of zero crossings of the sinc on either side, at the lower of the two rates."""
_ROLL_OFF: Final = 0.92
"""Cut-off frequency as a share of the lower rate's Nyquist frequency; the transition band lies above it."""
_KAISER: Final = 8.0
"""Shape parameter β of the Kaiser window."""


class Resampler:
    """A polyphase windowed-sinc filter (Crochiere & Rabiner, Multirate Digital Signal Processing, 1983).

    The output is not delayed relative to the input: output sample k lies k/16000 s after the first input sample. The
    last milliseconds of a chunk are returned by the next `push`.
    """

    def __init__(self, rate: int) -> None:
        """`rate`: sampling rate of the input in Hz. Raises `SourceError` outside 8–96 kHz."""
        if not LOWEST <= rate <= HIGHEST:
            raise SourceError(f"sound at {rate} Hz: rates of {LOWEST} to {HIGHEST} Hz can be read; set microphone.rate")
        self.rate = rate
        """Sampling rate of the input in Hz."""
        self.pushed = 0
        """Number of input samples so far."""
        self.given = 0
        """Number of output samples so far."""
        common = gcd(RATE, rate)
        self._up, self._down = RATE // common, rate // common
        self._half = 0 if rate == RATE else len(_filters(self._up, self._down)[0]) // 2
        # Silence before the first sample, so that the filter can be centred on it.
        self._held = np.zeros(max(0, self._half - 1), np.float32)
        self._start = -len(self._held)  # position of the first held sample in the input

    @property
    def backlog(self) -> float:
        """Seconds of input whose output has not been returned yet."""
        return self.pushed / self.rate - self.given / RATE

    def push(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resamples (n,) float32 at the input's rate to (m,) float32 at 16 kHz; m may be 0."""
        self.pushed += len(samples)
        if self.rate == RATE:
            self.given += len(samples)
            return samples
        table = _filters(self._up, self._down)
        held = np.concatenate([self._held, samples])
        # Output k lies at input position k·down/up; it needs `half` inputs up to that position and `half` beyond it.
        last = self.pushed - 1 - self._half
        end = max(self.given, (last * self._up + self._up - 1) // self._down + 1) if last >= 0 else self.given
        index = np.arange(self.given, end, dtype=np.int64) * self._down
        whole, phase = np.divmod(index, self._up)
        if len(index):
            windows = np.lib.stride_tricks.sliding_window_view(held, 2 * self._half)
            out = np.einsum("ij,ij->i", windows[whole - self._half + 1 - self._start], table[phase])
        else:
            out = np.zeros(0, np.float32)
        self.given = end
        needed = end * self._down // self._up - self._half + 1
        drop = min(max(0, needed - self._start), len(held))
        self._held = held[drop:].copy()
        self._start += drop
        return np.asarray(out, np.float32)


@lru_cache(maxsize=2)
def _filters(up: int, down: int) -> NDArray[np.float32]:
    """(up, taps): polyphase filters; row p is for outputs that lie p/up of an input sample after the middle tap."""
    stretch = max(1.0, down / up)
    half = int(np.ceil(_LOBES * stretch))
    # Tap j of phase p is the input at offset j − half + 1 from the whole position.
    offset = np.arange(2 * half)[None, :] - half + 1 - np.arange(up)[:, None] / up
    cutoff = _ROLL_OFF / stretch
    window = np.i0(_KAISER * np.sqrt(np.maximum(0.0, 1 - (offset / half) ** 2))) / np.i0(_KAISER)
    taps = np.sinc(cutoff * offset) * window
    return np.asarray(taps / taps.sum(axis=1, keepdims=True), np.float32)
