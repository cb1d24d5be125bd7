"""Speech recognisers of the team's own choice: sound in, transcripts out, by one small protocol.

`transcripts.recogniser` names one: `vosk`, or `package.module:name` of something that takes the path in
`transcripts.recogniser_model` (or None) and returns a `Recogniser`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

from edge import config
from edge.errors import ConfigError
from edge.observation import AudioChunk, Transcript

OFF: Final = "off"
VOSK: Final = "vosk"


@runtime_checkable
class Recogniser(Protocol):
    """Hears a stream of sound. Used from one thread; may take its time, for sound that it misses is counted."""

    def feed(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        """What was understood to its end in this chunk and those before, without interim results.

        A chunk is 0.1 s or less of clean sound: `samples` (n,) at 16 kHz, −1…1. `overruns` above 0 says that sound is
        missing before it. `captured_at` of each transcript is the end of what was said, in the clock of
        `chunk.captured_at`. Raises `EdgeEmotionError`.
        """

    def flush(self) -> tuple[Transcript, ...]:
        """The rest, when the sound has ended; what is fed next does not go on from it."""


Factory = Callable[[Path | None], Recogniser]


def open_recogniser(settings: config.Transcripts) -> Recogniser | None:
    """The recogniser that is asked for, None for `off`. Raises `ConfigError`, `MissingExtraError`, `ModelError`."""
    if settings.recogniser == OFF:
        return None
    recogniser = _factory(settings.recogniser)(settings.recogniser_model)
    if not isinstance(recogniser, Recogniser):
        raise ConfigError(f"transcripts.recogniser {settings.recogniser!r} gives no recogniser with `feed` and `flush`")
    return recogniser


def _factory(name: str) -> Factory:
    if name == VOSK:
        from edge.words.vosk import VoskRecogniser

        return VoskRecogniser
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ConfigError(f"transcripts.recogniser {name!r} is none of {OFF!r}, {VOSK!r} and 'package.module:name'")
    try:
        factory: Factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"transcripts.recogniser {name!r}: {error}") from error
    if not callable(factory):
        raise ConfigError(f"transcripts.recogniser {name!r} cannot be called with the path of a model")
    return factory
