"""Removes and counts what a cheap microphone adds to the sound: clipping, invalid samples, a constant offset."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError

STEP: Final = 160
"""Samples of 10 ms at 16 kHz."""
_CLIPPED: Final = 0.999
"""A sample of this size counts as clipped."""
_LARGEST: Final = 1.0
"""Full scale."""
_CANCELLED: Final = 0.02
"""Channels cancel out where their mean keeps less than this share of the power; eight unrelated ones keep 0.125."""
_LARGE_OFFSET: Final = 0.02
"""An offset of this share of full scale is counted as a fault."""
_FOLLOW: Final = 0.02
"""Share of a step's mean that enters the offset: a time constant of 0.5 s, a corner of 0.3 Hz."""


class Cleaner:
    """Mixes channels into one and removes NaN, values beyond full scale and a constant offset. Not thread-safe."""

    def __init__(self) -> None:
        self.nan_samples = 0
        self.clipped_samples = 0
        self.offset_steps = 0
        """Steps of 10 ms with a constant offset of more than a fiftieth of full scale."""
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
        return sound if sound.ndim == 1 else _mixed(sound)

    def level(self, step: NDArray[np.float32]) -> NDArray[np.float32]:
        """A step of 10 ms at 16 kHz without its offset: a slow high-pass that moves along a line inside the step."""
        mean = float(step.mean())
        before = mean if self._offset is None else self._offset
        after = before + _FOLLOW * (mean - before)
        self._offset = after
        self.offset_steps += abs(after) > _LARGE_OFFSET
        return np.asarray(step - np.linspace(before, after, len(step), dtype=np.float32), np.float32)


def _mixed(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of (n, channels), (n,); the loudest one where they cancel out, as when one is wired the wrong way."""
    mean = np.asarray(sound.mean(axis=1), np.float32)
    powers = np.square(sound).sum(axis=0)
    if np.square(mean).sum() < _CANCELLED * powers.mean():
        return np.ascontiguousarray(sound[:, powers.argmax()])
    return mean
