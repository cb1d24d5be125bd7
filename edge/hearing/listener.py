"""The interface of listeners, which receive the steps of the stream of sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.hearing.resample import RATE
from edge.hearing.utterance import SpeechSegment
from edge.observation import Observation


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """10 ms of clean sound, and whether somebody speaks."""

    samples: NDArray[np.float32]
    """(160,) at 16 kHz, −1…1."""
    starts_at: float
    """Time of the first sample in seconds."""
    speaking: bool
    """Whether an utterance is in progress after this step."""
    segment: SpeechSegment | None = None
    """A segment that this step completes: an interim one every half second of an utterance, or the final one."""
    probability: float = 0.0
    """Probability of speech, 0…1; it lags about `edge.hearing.vad.LAG_S` behind the sound."""
    azimuth: float | None = None
    """Direction of the sound in degrees, as in `AudioChunk.azimuth`."""

    @property
    def ends_at(self) -> float:
        """Time just after the last sample, in seconds."""
        return self.starts_at + len(self.samples) / RATE


class Listener(Protocol):
    """Receives every step in order, on one thread."""

    def on_step(self, step: Step) -> Sequence[Observation]:
        """Processes a step and returns the observations that follow from it. Raises `EdgeEmotionError`."""

    def on_end(self, segment: SpeechSegment | None) -> Sequence[Observation]:
        """Handles the end or an interruption of the sound; the next step does not continue it.

        `segment`: the utterance that was cut off; None if nobody was speaking. Raises `EdgeEmotionError`.
        """
