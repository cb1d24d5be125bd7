"""The interface for speech recognisers that a team plugs in: sound in, transcripts out.

`transcripts.recogniser` names one: `vosk`, or `package.module:name` of a factory, which gets the path in
`transcripts.recogniser_model` (or None) and returns a `Recogniser`. A factory is

- a class with the methods `feed` and `flush`, or
- a function whose return annotation is such a class (such as `Recogniser` itself), or a union of such a class and None.

Any other object is refused without being called, so that a mistake in the configuration cannot call something that
merely accepts one argument, such as `os:system`. The module is imported all the same: whoever may write the
configuration may run code on the device.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol, cast, get_args, get_type_hints, runtime_checkable

from edge import config
from edge.errors import ConfigError, EdgeEmotionError
from edge.observation import AudioChunk, Transcript

OFF: Final = "off"
"""Value of `transcripts.recogniser` for no recogniser."""
VOSK: Final = "vosk"
"""Value of `transcripts.recogniser` for the built-in Vosk recogniser."""


@runtime_checkable
class Recogniser(Protocol):
    """Transcribes a stream of sound. Used from one thread; it may be slow, because sound that it misses is counted."""

    def feed(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        """Returns the sentences that are complete with this chunk, without interim results.

        A chunk is at most 0.1 s of clean sound: `samples` (n,) at 16 kHz, −1…1. `overruns` above 0 means that sound is
        missing before it. `captured_at` of each transcript is the end of the sentence, in the clock of
        `chunk.captured_at`. Raises `EdgeEmotionError`.
        """

    def flush(self) -> tuple[Transcript, ...]:
        """Returns the unfinished sentence when the sound has ended; the next chunk does not continue it."""


Factory = Callable[[Path | None], Recogniser]
"""Makes a recogniser from the path in `transcripts.recogniser_model`."""


def open_recogniser(settings: config.Transcripts) -> Recogniser | None:
    """Opens the configured recogniser; None for `off`. Raises `ConfigError`, `MissingExtraError`, `ModelError`."""
    if settings.recogniser == OFF:
        return None
    factory = _factory(settings.recogniser)
    try:
        recogniser = factory(settings.recogniser_model)
    except EdgeEmotionError:
        raise
    except Exception as error:
        raise ConfigError(
            f"transcripts.recogniser {settings.recogniser!r} failed: {type(error).__name__}: {_one_line(error)}"
        ) from error
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
        factory: Any = importlib.import_module(module)
        for part in attribute.split("."):
            factory = getattr(factory, part)
    except Exception as error:
        # A team's own module may raise any exception on import.
        raise ConfigError(f"transcripts.recogniser {name!r}: {_one_line(error)}") from error
    if not _makes_recognisers(factory):
        raise ConfigError(
            f"transcripts.recogniser {name!r} is neither a class with `feed` and `flush` nor a function annotated to "
            "return one"
        )
    try:
        inspect.signature(factory).bind(None)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"transcripts.recogniser {name!r} cannot be called with the path of a model") from error
    return cast(Factory, factory)


def _makes_recognisers(factory: Any) -> bool:
    """Whether `factory` is declared to return recognisers, as the module docstring requires."""
    if inspect.isclass(factory):
        return _is_recogniser(factory)
    if not inspect.isfunction(factory):
        return False
    try:
        returned = get_type_hints(factory).get("return")
    except (NameError, TypeError, AttributeError):
        return False
    return any(_is_recogniser(kind) for kind in (returned, *get_args(returned)))


def _is_recogniser(kind: Any) -> bool:
    return inspect.isclass(kind) and all(callable(getattr(kind, method, None)) for method in ("feed", "flush"))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
