"""Who listens: what subscribes to the one stream of sound."""

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
    """Seconds, of the first sample."""
    speaking: bool
    """An utterance is going on after this step."""
    segment: SpeechSegment | None = None
    """A piece of speech that can be read now: half a second more of an utterance, or the whole of it."""

    @property
    def ends_at(self) -> float:
        """Seconds, just after the last sample."""
        return self.starts_at + len(self.samples) / RATE


class Listener(Protocol):
    """Hears every step in order, from one thread."""

    def on_step(self, step: Step) -> Sequence[Observation]:
        """What follows from a step. Raises `EdgeEmotionError`."""

    def on_end(self, segment: SpeechSegment | None) -> Sequence[Observation]:
        """The sound ended or was interrupted; what is heard next does not continue it.

        `segment` is the utterance that was cut off, None if nobody was speaking. Raises `EdgeEmotionError`.
        """
