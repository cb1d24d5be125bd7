"""Converts a stream of chunks of any rate and size into clean 16 kHz mono, in steps of 10 ms."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.cleaning import STEP, Cleaner
from edge.hearing.resample import RATE, Resampler
from edge.observation import AudioChunk

GAP_S: Final = 0.25
"""A chunk that starts more than this many seconds before or after the end of the last one does not continue it.

Smaller differences are jitter: a busy machine timestamps chunks up to a tenth of a second late. Sound that was lost at
the device or in a queue is reported by `AudioChunk.overruns`.
"""

FAULTS: Final = (
    *(catalogue.VOICE_OVERRUNS, catalogue.VOICE_GAPS, catalogue.VOICE_RATE_CHANGES),
    *(catalogue.VOICE_CLIPPED_SAMPLES, catalogue.VOICE_NAN_SAMPLES, catalogue.VOICE_OFFSET_STEPS),
)
"""Counters of faults of the sound; they are reported from the start, even at 0."""


class SoundStream:
    """Resamples, mixes down and cleans the sound. Not thread-safe.

    Call `join` with each chunk, then `push` with the same chunk. If `join` returns False, end all state that depends on
    the earlier sound before `push`.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        """`registry`: where faults of the sound are counted."""
        self._registry = registry or Registry()
        for counter in FAULTS:
            self._registry.increment(counter, 0)
        self._cleaner = Cleaner()
        self._resampler: Resampler | None = None
        self._remainder = np.zeros(0, np.float32)
        self._expected_at: float | None = None

    def join(self, chunk: AudioChunk) -> bool:
        """Whether the chunk continues the last one; if it does not, the stream is reset."""
        gap = self._expected_at is not None and abs(chunk.captured_at - self._expected_at) > GAP_S
        changed = self._resampler is not None and self._resampler.rate != chunk.rate
        self._registry.increment(catalogue.VOICE_OVERRUNS, chunk.overruns)
        self._registry.increment(catalogue.VOICE_GAPS, int(gap))
        self._registry.increment(catalogue.VOICE_RATE_CHANGES, int(changed))
        self._expected_at = chunk.captured_at + chunk.duration
        continues = not (gap or changed or chunk.overruns)
        if not continues:
            self._reset()
        return continues

    def push(self, chunk: AudioChunk) -> tuple[NDArray[np.float32], float]:
        """Returns the steps that this chunk completes, (n, 160) float32, and the time of their first sample in seconds.

        Raises `SourceError` for a rate or shape that cannot be read.
        """
        if self._resampler is None:
            self._resampler = Resampler(chunk.rate)
        sound = self._resampler.push(self._cleaner.mono(chunk.samples))
        sound = np.concatenate([self._remainder, sound]) if len(self._remainder) else sound
        # `sound` ends before the chunk does, by the backlog of the resampler.
        starts_at = chunk.captured_at + chunk.duration - self._resampler.backlog - len(sound) / RATE
        whole = len(sound) // STEP
        self._remainder = sound[whole * STEP :].copy()
        steps = [self._cleaner.level(sound[index * STEP : (index + 1) * STEP]) for index in range(whole)]
        self._registry.raise_to(catalogue.VOICE_CLIPPED_SAMPLES, self._cleaner.clipped_samples)
        self._registry.raise_to(catalogue.VOICE_NAN_SAMPLES, self._cleaner.nan_samples)
        self._registry.raise_to(catalogue.VOICE_OFFSET_STEPS, self._cleaner.offset_steps)
        return (np.stack(steps) if steps else np.zeros((0, STEP), np.float32)), starts_at

    def end(self) -> None:
        """Ends the stream; the next chunk does not continue it."""
        self._reset()
        self._expected_at = None

    def _reset(self) -> None:
        self._cleaner.reset()
        self._resampler = None
        self._remainder = np.zeros(0, np.float32)
