"""What a cheap microphone adds to the sound, taken out again and counted."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError

STEP: Final = 160
"""Samples of 10 ms at 16 kHz."""
_CLIPPED: Final = 0.999
_LARGEST: Final = 1.0
_FOLLOW: Final = 0.02
"""Share of a step's mean that enters the offset: a time constant of 0.5 s, a corner of 0.3 Hz."""


class Cleaner:
    """Channels to one, no NaN, nothing beyond full scale, no constant offset."""

    def __init__(self) -> None:
        self.nan_samples = 0
        self.clipped_samples = 0
        self._offset: float | None = None

    def reset(self) -> None:
        """Forgets the offset, not the counts."""
        self._offset = None

    def mono(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """(n,) or (n, channels) → (n,) float32 in −1…1, NaN and infinity as 0. Raises `SourceError` on other shapes."""
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
            raise SourceError(f"sound of shape {samples.shape}: (samples,) or (samples, channels) can be read")
        sound = np.asarray(samples, np.float32)
        finite = np.isfinite(sound)
        if not finite.all():
            self.nan_samples += int(finite.size - np.count_nonzero(finite))
            sound = np.where(finite, sound, np.float32(0))
        self.clipped_samples += int(np.count_nonzero(np.abs(sound) >= _CLIPPED))
        sound = np.clip(sound, -_LARGEST, _LARGEST)
        return sound if sound.ndim == 1 else np.asarray(sound.mean(axis=1), np.float32)

    def level(self, step: NDArray[np.float32]) -> NDArray[np.float32]:
        """A step of 10 ms at 16 kHz without its offset: a slow high-pass that moves along a line inside the step."""
        mean = float(step.mean())
        before = mean if self._offset is None else self._offset
        after = before + _FOLLOW * (mean - before)
        self._offset = after
        return np.asarray(step - np.linspace(before, after, len(step), dtype=np.float32), np.float32)
