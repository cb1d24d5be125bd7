"""The ears: one stream of sound in, observations of voice and of spoken keywords out."""

from __future__ import annotations

import logging
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.errors import EdgeEmotionError, SourceError
from edge.health.timings import Timings
from edge.hearing.cleaning import STEP, Cleaner
from edge.hearing.resample import RATE, Resampler
from edge.hearing.utterance import Segmenter, SpeechSegment
from edge.hearing.vad import SpeechDetector
from edge.inference.card import Card
from edge.observation import AudioChunk, Observation
from edge.voice.sense import VoiceSense
from edge.words.keywords import KeywordSpotter

log = logging.getLogger(__name__)

_GAP_S: Final = 0.25
"""Sound that starts so much later or earlier than the last ended does not belong to it.

Less is jitter: a busy machine stamps chunks late by a tenth of a second. What was lost on the way, at the device or in
a queue, is told by `overruns`.
"""


class Ears:
    """Resamples, cleans and finds speech once, for the voice sense and the keywords alike. Not thread-safe."""

    def __init__(self, voice: config.Voice, words: config.Words, timings: Timings | None = None) -> None:
        """Raises `ModelError`; goes on without keywords where they cannot be had."""
        self._timings = timings or Timings()
        self.sense = VoiceSense(voice, self._timings)
        self._detector = SpeechDetector()
        self._segmenter = Segmenter(voice.speech_threshold, voice.hangover_s)
        self._cleaner = Cleaner()
        self._keywords = self._open_keywords(words)
        self._resampler: Resampler | None = None
        self._rest = np.zeros(0, np.float32)
        self._expected_at: float | None = None
        self._counts = {"overruns": 0, "gaps": 0, "rate_changes": 0}

    @property
    def condition(self) -> str | None:
        """`silence` while nobody speaks, else None."""
        return None if self._segmenter.speaking else "silence"

    @property
    def counters(self) -> dict[str, int]:
        """What was wrong with the sound, and how often."""
        return {
            **self._counts,
            "clipped_samples": self._cleaner.clipped_samples,
            "nan_samples": self._cleaner.nan_samples,
            "offset_steps": self._cleaner.offset_steps,
        }

    @property
    def cards(self) -> tuple[Card, ...]:
        """Of the models in use."""
        return (self.sense.card,)

    def hear(self, chunk: AudioChunk) -> tuple[Observation, ...]:
        """What came of a chunk of any length. Raises `SourceError` on what is no sound, `ModelError`.

        Where sound was lost, an utterance that was going on ends with what had been heard of it.
        """
        found = self._join(chunk)
        resampler = self._resampler
        if resampler is None:
            return tuple(found)
        with self._timings.stage("resample"):
            sound = resampler.push(self._cleaner.mono(chunk.samples))
            sound = np.concatenate([self._rest, sound]) if len(self._rest) else sound
        # The last sample of `sound` lies the resampler's backlog before the end of the chunk.
        starts_at = chunk.captured_at + chunk.duration - resampler.backlog - len(sound) / RATE
        whole = len(sound) // STEP
        self._rest = sound[whole * STEP :].copy()
        for index in range(whole):
            step = self._cleaner.level(sound[index * STEP : (index + 1) * STEP])
            found += self._step(step, starts_at + (index + 1) * STEP / RATE)
        return tuple(found)

    def flush(self) -> tuple[Observation, ...]:
        """What an utterance that was going on gives when the sound ends; the ears then start afresh."""
        found = self._end()
        self._resampler = None
        self._expected_at = None
        return tuple(found)

    def _step(self, step: NDArray[np.float32], ends_at: float) -> list[Observation]:
        with self._timings.stage("vad"):
            stretch = self._segmenter.push(step, self._detector.probability(step), ends_at)
        found = [self.sense.read(stretch)] if stretch else []
        if self._keywords is not None:
            found += self._keywords.hear(step, ends_at - STEP / RATE, self._segmenter.speaking)
        return found

    def _join(self, chunk: AudioChunk) -> list[Observation]:
        """Starts afresh where the chunk does not go on from the last one; gives what had been going on."""
        self._counts["overruns"] += chunk.overruns
        gap = self._expected_at is not None and abs(chunk.captured_at - self._expected_at) > _GAP_S
        changed = self._resampler is not None and self._resampler.rate != chunk.rate
        self._counts["gaps"] += gap
        self._counts["rate_changes"] += changed
        found = self._end() if gap or changed or chunk.overruns else []
        if self._resampler is None:
            try:
                self._resampler = Resampler(chunk.rate)
            except SourceError:
                # What had been said is told first; the next such chunk is refused.
                if not found:
                    raise
        self._expected_at = chunk.captured_at + chunk.duration
        return found

    def _end(self) -> list[Observation]:
        stretch: SpeechSegment | None = self._segmenter.flush()
        found = [self.sense.read(stretch)] if stretch else []
        if self._keywords is not None:
            found += self._keywords.flush()
        self._detector.reset()
        self._cleaner.reset()
        self._resampler = None
        self._rest = np.zeros(0, np.float32)
        return found

    def _open_keywords(self, words: config.Words) -> KeywordSpotter | None:
        if not (words.enabled and words.keywords):
            return None
        try:
            return KeywordSpotter(words.keyword_file, self._timings)
        except EdgeEmotionError as error:
            log.warning("spoken keywords are left out: %s", error)
            return None
