"""Bounded memories of the last seconds: the sound, and the mouth of each person."""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.observation import Mouth, SoundLevel

MEMORY_S: Final = 8.0
"""Seconds of mouths and sound that are remembered."""
MAX_PERSONS: Final = 16
"""Maximum number of persons remembered; beyond it, the one seen longest ago is dropped."""
_MAX_SAMPLES: Final = 1000
"""Maximum number of samples of one signal, whatever their times."""
_SMALLEST_SCALE: Final = 2.0
"""A face whose eyes are less than this many pixels apart is ignored."""


class Series:
    """Samples of one signal in the order of time, at most `MEMORY_S` and `_MAX_SAMPLES` of them. Not thread-safe."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, ...]] = deque(maxlen=_MAX_SAMPLES)
        self._array: NDArray[np.float64] | None = None

    @property
    def newest_at(self) -> float:
        """Time of the newest sample in seconds; minus infinity without any."""
        return self._samples[-1][0] if self._samples else -math.inf

    def add(self, *sample: float) -> None:
        """Adds a sample that begins with its time in seconds.

        One that is not finite, or not newer than the newest, is ignored. If the time went back by more than `MEMORY_S`,
        the clock is another one, and all earlier samples are forgotten.
        """
        if not all(map(math.isfinite, sample)):
            return
        if sample[0] < self.newest_at - MEMORY_S:
            self._samples.clear()
        if sample[0] <= self.newest_at:
            return
        self._samples.append(sample)
        self._array = None
        while self._samples[0][0] < sample[0] - MEMORY_S:
            self._samples.popleft()

    def array(self) -> NDArray[np.float64]:
        """Returns (n, k): all samples, not to be changed; (0, 0) without any."""
        if self._array is None:
            self._array = np.array(self._samples, np.float64) if self._samples else np.zeros((0, 0))
        return self._array


class Memory:
    """The sound and the mouths of the last seconds. Not thread-safe."""

    def __init__(self) -> None:
        self.sound = Series()
        """Rows of time, level, middle level and probability of speech."""
        self.azimuth = Series()
        """Rows of time and azimuth in degrees, for sound with a direction."""
        self._mouths: dict[int, Series] = {}
        """Person → rows of time, gap, width, jaw, lower, scale and across; the person seen longest ago first."""

    def see(self, mouth: Mouth) -> None:
        """Adds the mouth of one face in one frame; one without a valid scale is ignored."""
        if not mouth.scale >= _SMALLEST_SCALE:
            return
        # Inserted at the end, so that the dictionary stays ordered by the last sighting.
        series = self._mouths.pop(mouth.person, None) or Series()
        self._mouths[mouth.person] = series
        series.add(
            *(mouth.captured_at, mouth.gap, mouth.width, mouth.jaw, mouth.lower, mouth.scale, mouth.across),
        )
        if len(self._mouths) > MAX_PERSONS:
            del self._mouths[next(iter(self._mouths))]

    def hear(self, level: SoundLevel) -> None:
        """Adds the level of 10 ms of sound."""
        self.sound.add(level.ends_at, level.level, level.middle, level.speech)
        if level.azimuth is not None:
            self.azimuth.add(level.ends_at, level.azimuth)

    def mouths(self, begin: float, end: float) -> dict[int, NDArray[np.float64]]:
        """Returns person → (n, 7) rows of the series, for everybody seen between `begin` and `end` (seconds)."""
        seen = {person: series.array() for person, series in sorted(self._mouths.items())}
        return {
            person: rows
            for person, rows in seen.items()
            if len(rows) and ((rows[:, 0] >= begin) & (rows[:, 0] <= end)).any()
        }
