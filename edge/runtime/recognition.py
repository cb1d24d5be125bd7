"""Passes clean sound from hearing to a speech recogniser, which may be slow and run in its own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from edge.hearing.listener import Step
from edge.hearing.resample import RATE
from edge.hearing.utterance import SpeechSegment
from edge.observation import AudioChunk, Observation

BLOCK_STEPS: Final = 10
"""Number of 10 ms steps in one block."""


class RecogniserFeed:
    """A listener that forwards clean sound in blocks of 0.1 s and makes no observations. Not thread-safe.

    The first block after an interruption has one overrun, so that the recogniser ends the sentence before it.
    """

    def __init__(self, put: Callable[[AudioChunk], None] = lambda _: None) -> None:
        """`put`: receives 16 kHz mono; it must not block."""
        self._put = put
        self._steps: list[Step] = []
        self._interrupted = False
        self._begun = False

    def connect(self, put: Callable[[AudioChunk], None]) -> None:
        """Sends the sound to `put` from now on."""
        self._put = put

    def on_step(self, step: Step) -> tuple[Observation, ...]:
        """Adds a step; returns no observations."""
        self._steps.append(step)
        if len(self._steps) >= BLOCK_STEPS:
            self._forward()
        return ()

    def on_end(self, segment: SpeechSegment | None) -> tuple[Observation, ...]:
        """Forwards an incomplete block; returns no observations."""
        self._forward()
        self._interrupted = self._begun
        return ()

    def _forward(self) -> None:
        if not self._steps:
            return
        samples = np.concatenate([step.samples for step in self._steps])
        starts_at = self._steps[0].starts_at
        self._steps.clear()
        interrupted, self._interrupted, self._begun = self._interrupted, False, True
        self._put(AudioChunk(samples, RATE, starts_at, overruns=int(interrupted)))
