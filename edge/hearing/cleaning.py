"""Counts and repairs the faults of cheap microphones: clipping, non-finite samples and a DC offset."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceError

STEP: Final = 160
"""Number of samples in one step: 10 ms at 16 kHz."""
_CLIPPING_LEVEL: Final = 0.999
"""A sample whose magnitude is at least this counts as clipped; full scale is 1."""
_FULL_SCALE: Final = 1.0
"""Magnitude of full scale."""
_CANCELLATION_SHARE: Final = 0.02
"""Channels cancel out if their mean keeps less than this share of the power; eight unrelated ones keep 0.125."""
_LARGE_OFFSET: Final = 0.02
"""A DC offset of more than this share of full scale is counted as a fault."""
_OFFSET_UPDATE: Final = 0.02
"""Weight of a step's mean in the moving average of the offset: a time constant of 0.5 s, a cut-off of 0.3 Hz."""


class Cleaner:
    """Mixes down to mono and removes NaN, values beyond full scale and a DC offset. Not thread-safe."""

    def __init__(self) -> None:
        self.nan_samples = 0
        """Number of samples so far that were not finite."""
        self.clipped_samples = 0
        """Number of samples so far that were clipped."""
        self.offset_steps = 0
        """Number of 10 ms steps so far with a DC offset of more than a fiftieth of full scale."""
        self._offset: float | None = None

    def reset(self) -> None:
        """Resets the estimate of the offset; the counts are kept."""
        self._offset = None

    def mono(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mixes (n,) or (n, channels) down to (n,) float32 in −1…1; NaN and infinity become 0.

        Raises `SourceError` for any other shape.
        """
        if samples.ndim not in (1, 2) or (samples.ndim == 2 and samples.shape[1] == 0):
            raise SourceError(f"sound of shape {samples.shape}: (samples,) or (samples, channels) can be read")
        sound = np.asarray(samples, np.float32)
        finite = np.isfinite(sound)
        if not finite.all():
            self.nan_samples += int(finite.size - np.count_nonzero(finite))
            sound = np.where(finite, sound, np.float32(0))
        self.clipped_samples += int(np.count_nonzero(np.abs(sound) >= _CLIPPING_LEVEL))
        sound = np.clip(sound, -_FULL_SCALE, _FULL_SCALE)
        return sound if sound.ndim == 1 else _mixed(sound)

    def level(self, step: NDArray[np.float32]) -> NDArray[np.float32]:
        """Removes the offset from a step of 10 ms at 16 kHz: a slow high-pass, linear within the step."""
        mean = float(step.mean())
        before = mean if self._offset is None else self._offset
        after = before + _OFFSET_UPDATE * (mean - before)
        self._offset = after
        self.offset_steps += abs(after) > _LARGE_OFFSET
        return np.asarray(step - np.linspace(before, after, len(step), dtype=np.float32), np.float32)


def _mixed(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,): the mean of (n, channels), or the loudest channel if they cancel out, as with reversed polarity."""
    mean = np.asarray(sound.mean(axis=1), np.float32)
    powers = np.square(sound).sum(axis=0)
    if np.square(mean).sum() < _CANCELLATION_SHARE * powers.mean():
        return np.ascontiguousarray(sound[:, powers.argmax()])
    return mean
