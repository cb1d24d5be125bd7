"""A listener that measures the level of the sound, with which the motion of mouths is compared."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.hearing.cleaning import STEP
from edge.hearing.listener import Step
from edge.hearing.resample import RATE
from edge.hearing.utterance import SpeechSegment
from edge.observation import Observation, SoundLevel

LOWEST_HZ: Final = 125.0
"""Sound below this frequency is ignored, because it is hum rather than speech."""
MIDDLE_HZ: Final = (1000.0, 2600.0)
"""Band of `SoundLevel.middle` in hertz: the second formant, which rises with the opening of the mouth."""
_FRAME: Final = 2 * STEP
"""Length of the analysed frame: 20 ms."""
_SMALLEST: Final = 1e-7
"""Added to each power, so that the logarithm of silence is finite: below the noise of any microphone."""
_MAX_WAITING: Final = 1000
"""Maximum number of levels that wait to be taken, 10 s; older ones are dropped."""

_WINDOW: Final = np.hanning(_FRAME)
_frequencies = np.fft.rfftfreq(_FRAME, 1 / RATE)
_AUDIBLE: Final = _frequencies >= LOWEST_HZ
_MIDDLE: Final = (_frequencies >= MIDDLE_HZ[0]) & (_frequencies <= MIDDLE_HZ[1])


class Envelope:
    """Measures every step of 10 ms, over 20 ms. Makes no observations. Not thread-safe."""

    def __init__(self) -> None:
        self._before = np.zeros(STEP, np.float32)
        self._levels: list[SoundLevel] = []

    def take(self) -> tuple[SoundLevel, ...]:
        """Returns the levels measured since the last call."""
        levels, self._levels = tuple(self._levels), []
        return levels

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        """Measures a step; returns no observations."""
        level, middle = levels(np.concatenate([self._before, step.samples]))
        self._before = step.samples
        if len(self._levels) >= _MAX_WAITING:
            del self._levels[0]
        self._levels.append(SoundLevel(step.ends_at, level, middle, step.probability, step.azimuth))
        return ()

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        """Forgets the sound before an interruption; returns no observations."""
        self._before = np.zeros(STEP, np.float32)
        return ()


def levels(samples: NDArray[np.float32]) -> tuple[float, float]:
    """Returns the decimal logarithms of the power of (320,) samples at 16 kHz: of all sound, and of the middle band."""
    power = np.square(np.abs(np.fft.rfft(samples * _WINDOW)))
    return math.log10(power[_AUDIBLE].sum() + _SMALLEST), math.log10(power[_MIDDLE].sum() + _SMALLEST)
