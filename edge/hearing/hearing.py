"""Hearing: processes one stream of sound and passes its steps and utterances to all listeners."""

from __future__ import annotations

from collections.abc import Sequence

from edge.errors import SourceError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.hearing.cleaning import STEP
from edge.hearing.listener import Listener, Step
from edge.hearing.resample import RATE
from edge.hearing.stream import SoundStream
from edge.hearing.utterance import Segmenter
from edge.hearing.vad import SpeechDetector
from edge.observation import AudioChunk, Observation


class Hearing:
    """Resamples, cleans and segments the sound once for all listeners. Not thread-safe."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        speech_threshold: float = 0.5,
        hangover_s: float = 0.5,
        registry: Registry | None = None,
    ) -> None:
        """Subscribes the listeners.

        Args:
            listeners: Receive each step, in this order.
            speech_threshold: Probability, 0…1, from which a step counts as speech.
            hangover_s: Seconds of silence that end an utterance.
            registry: Where stages are timed and faults of the sound are counted.
        """
        self._listeners = tuple(listeners)
        self._registry = registry or Registry()
        self._stream = SoundStream(self._registry)
        self._detector = SpeechDetector()
        self._segmenter = Segmenter(speech_threshold, hangover_s)

    @property
    def speaking(self) -> bool:
        """Whether an utterance is in progress."""
        return self._segmenter.speaking

    def hear(self, chunk: AudioChunk) -> tuple[Observation, ...]:
        """Returns the listeners' observations for a chunk of any length.

        A loss of sound ends an utterance in progress at the last sample before it. Raises `SourceError` for sound that
        cannot be read, and what a listener raises.
        """
        found = [] if self._stream.join(chunk) else self._end()
        try:
            with self._registry.time(catalogue.RESAMPLE):
                sound, starts_at = self._stream.push(chunk)
        except SourceError:
            # Observations of an utterance that has just ended must not be lost; the next such chunk raises.
            if not found:
                raise
            return tuple(found)
        for index, samples in enumerate(sound):
            begins_at = starts_at + index * STEP / RATE
            ends_at = starts_at + (index + 1) * STEP / RATE
            with self._registry.time(catalogue.VAD):
                probability = self._detector.probability(samples)
                segment = self._segmenter.push(samples, probability, ends_at)
            step = Step(samples, begins_at, self._segmenter.speaking, segment, probability, chunk.azimuth)
            for listener in self._listeners:
                found += listener.on_step(step)
        return tuple(found)

    def flush(self) -> tuple[Observation, ...]:
        """Ends the stream: returns the observations of an utterance in progress and resets all stages."""
        found = self._end()
        self._stream.end()
        return tuple(found)

    def _end(self) -> list[Observation]:
        segment = self._segmenter.flush()
        self._detector.reset()
        return [seen for listener in self._listeners for seen in listener.on_end(segment)]
