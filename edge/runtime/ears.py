"""The ears: hearing with its listeners, which are the voice sense, the keyword spotter and the speech recogniser."""

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
from edge.observation import AudioChunk, Observation
from edge.runtime.recognition import RecogniserFeed
from edge.voice.sense import VoiceSense
from edge.words.keywords import KeywordSpotter

log = logging.getLogger(__name__)


class Ears:
    """Everything that listens to the sound, on one stream. Not thread-safe."""

    def __init__(
        self,
        settings: config.Voice,
        *,
        voice: VoiceSense | None = None,
        keywords: KeywordSpotter | None = None,
        recogniser: bool = False,
        registry: Registry | None = None,
    ) -> None:
        """Subscribes the listeners that are there to one stream.

        Args:
            settings: How speech is found.
            voice: Reads utterances.
            keywords: Spots phrases while somebody speaks.
            recogniser: Whether all clean sound goes to a speech recogniser too (`connect_recogniser`).
            registry: Where hearing is timed and faults of the sound are counted.
        """
        self.voice = voice
        self._feed = RecogniserFeed() if recogniser else None
        listeners: list[Listener | None] = [voice, keywords, self._feed]
        self._hearing = Hearing(
            [listener for listener in listeners if listener is not None],
            speech_threshold=settings.speech_threshold,
            hangover_s=settings.hangover_s,
            registry=registry,
        )

    @classmethod
    def open(cls, voice: config.Voice, words: config.Words, registry: Registry | None = None) -> Self:
        """Voice and, where they are wanted and can be had, keywords. Raises `ModelError`."""
        registry = registry or Registry()
        return cls(voice, voice=VoiceSense(voice, registry), keywords=open_keywords(words, registry), registry=registry)

    def connect_recogniser(self, put: Callable[[AudioChunk], None]) -> None:
        """From now on `put` gets all clean sound; does nothing where there is no recogniser."""
        if self._feed is not None:
            self._feed.connect(put)

    @property
    def condition(self) -> str | None:
        """`silence` while nobody speaks, else None."""
        return None if self._hearing.speaking else "silence"

    @property
    def cards(self) -> tuple[Card, ...]:
        """Of the models in use."""
        return (self.voice.card,) if self.voice else ()

    def hear(self, chunk: AudioChunk) -> tuple[Observation, ...]:
        """What came of a chunk of any length. Raises `SourceError` for sound that cannot be read, `ModelError`."""
        return self._hearing.hear(chunk)

    def flush(self) -> tuple[Observation, ...]:
        """What an utterance that was going on gives when the sound ends; the ears then start afresh."""
        return self._hearing.flush()


def open_keywords(words: config.Words, registry: Registry) -> KeywordSpotter | None:
    """The keyword spotter, None where it is not wanted or cannot be had, which is logged."""
    if not (words.enabled and words.keywords):
        return None
    try:
        return KeywordSpotter(words.keyword_file, registry)
    except EdgeEmotionError as error:
        log.warning("spoken keywords are left out: %s", error)
        return None
