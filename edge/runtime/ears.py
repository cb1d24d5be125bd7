"""Hearing and its listeners: the voice sense, the keyword spotter and the feed of the speech recogniser."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Self

from edge import config
from edge.errors import EdgeEmotionError
from edge.health.registry import Registry
from edge.hearing.hearing import Hearing
from edge.hearing.listener import Listener
from edge.inference.card import Card
from edge.observation import AudioChunk, Observation, SoundLevel
from edge.runtime.recognition import RecogniserFeed
from edge.speaker.envelope import Envelope
from edge.voice.sense import VoiceSense
from edge.words.keywords import KeywordSpotter

log = logging.getLogger(__name__)


class Ears:
    """All listeners of one stream of sound. Not thread-safe."""

    def __init__(
        self,
        settings: config.Voice,
        *,
        voice: VoiceSense | None = None,
        keywords: KeywordSpotter | None = None,
        recogniser: bool = False,
        registry: Registry | None = None,
    ) -> None:
        """Subscribes the given listeners to one stream.

        Args:
            settings: Settings of speech detection.
            voice: Classifies utterances; None if voice is off.
            keywords: Spots phrases while somebody speaks; None if keywords are off.
            recogniser: Whether all clean sound also goes to a speech recogniser (`connect_recogniser`).
            registry: Where hearing is timed and faults of the sound are counted.
        """
        self.voice = voice
        """The voice sense; None if it is off."""
        self._feed = RecogniserFeed() if recogniser else None
        self._envelope = Envelope()
        listeners: list[Listener | None] = [self._envelope, voice, keywords, self._feed]
        self._hearing = Hearing(
            [listener for listener in listeners if listener is not None],
            speech_threshold=settings.speech_threshold,
            hangover_s=settings.hangover_s,
            registry=registry,
        )

    @classmethod
    def open(cls, voice: config.Voice, words: config.Words, registry: Registry | None = None) -> Self:
        """Opens the voice sense and, if enabled and available, the keyword spotter.

        Args:
            voice: Settings of the voice sense and of speech detection.
            words: Settings of the keywords.
            registry: Where stages are timed and faults of the sound are counted.

        Raises:
            ModelError: The voice model cannot be loaded.
        """
        registry = registry or Registry()
        return cls(voice, voice=VoiceSense(voice, registry), keywords=open_keywords(words, registry), registry=registry)

    def connect_recogniser(self, put: Callable[[AudioChunk], None]) -> None:
        """Sends all clean sound to `put` from now on; does nothing without a recogniser."""
        if self._feed is not None:
            self._feed.connect(put)

    @property
    def condition(self) -> str | None:
        """`silence` while nobody speaks, else None."""
        return None if self._hearing.speaking else "silence"

    @property
    def cards(self) -> tuple[Card, ...]:
        """Cards of the models in use."""
        return (self.voice.card,) if self.voice else ()

    def hear(self, chunk: AudioChunk) -> tuple[Observation, ...]:
        """Returns the observations for a chunk of any length. Raises `ModelError`, `SourceError` (unreadable sound)."""
        return self._hearing.hear(chunk)

    def take_levels(self) -> tuple[SoundLevel, ...]:
        """Returns the levels of the sound heard since the last call, one for each 10 ms."""
        return self._envelope.take()

    def flush(self) -> tuple[Observation, ...]:
        """Ends the stream: returns the observations of an utterance in progress and resets hearing."""
        return self._hearing.flush()


def open_keywords(words: config.Words, registry: Registry) -> KeywordSpotter | None:
    """Opens the keyword spotter; None if it is disabled or cannot be opened. A failure is logged."""
    if not (words.enabled and words.keywords):
        return None
    try:
        return KeywordSpotter(words.keyword_file, registry)
    except EdgeEmotionError as error:
        log.warning("spoken keywords are left out: %s", error)
        return None
