"""Vosk as the recogniser: whole sentences from the sound itself, offline, with a model that the team brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.errors import ConfigError, MissingExtraError, ModelError
from edge.hearing.resample import RATE
from edge.observation import AudioChunk, Transcript

MODELS: Final = "https://alphacephei.com/vosk/models"
_ACOUSTIC: Final = ("am/final.mdl", "final.mdl")
"""Where a Vosk model keeps its acoustic model."""


class VoskRecogniser:
    """Kaldi's decoder behind the protocol of `edge.words.recogniser`. Not thread-safe."""

    def __init__(self, model: Path | None) -> None:
        """`model`: an unpacked Vosk model. Raises `ConfigError`, `MissingExtraError`, `ModelError`."""
        if model is None:
            raise ConfigError(f"vosk needs transcripts.recogniser_model, the folder of a model from {MODELS}")
        try:
            import vosk
        except ImportError as error:
            raise MissingExtraError("recognising speech with Vosk", "vosk") from error
        if not any((model / file).is_file() for file in _ACOUSTIC):
            raise ModelError(f"{model} is no folder of a Vosk model; unpack one from {MODELS} there")
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(model))
        except Exception as error:
            # Vosk has no type of its own for what goes wrong.
            raise ModelError(f"Vosk model {model} cannot be loaded: {error}") from error
        self._make = vosk.KaldiRecognizer
        self._recogniser: Any = None
        self._fed = 0
        self._heard_until = 0.0

    def feed(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        """Sentences that ended. Raises `ModelError`."""
        found = self.flush() if chunk.overruns else ()
        if self._recogniser is None:
            self._recogniser = self._make(self._model, RATE)
            self._recogniser.SetWords(True)
            self._fed = 0
        self._heard_until = chunk.captured_at + chunk.duration
        self._fed += len(chunk.samples)
        try:
            ended = self._recogniser.AcceptWaveform(np.asarray(chunk.samples * 32767, "<i2").tobytes())
        except Exception as error:
            # Vosk raises a bare `Exception`.
            raise ModelError(f"Vosk cannot read the sound: {error}") from error
        return (*found, *self._transcripts(self._recogniser.Result())) if ended else found

    def flush(self) -> tuple[Transcript, ...]:
        """The sentence that was going on; the next chunk begins afresh."""
        if self._recogniser is None:
            return ()
        found = self._transcripts(self._recogniser.FinalResult())
        self._recogniser = None
        return found

    def _transcripts(self, result: str) -> tuple[Transcript, ...]:
        said = sentence(result)
        if said is None:
            return ()
        text, ends_s, confidence = said
        # Counted back from now, so that the sensor's clock and its sample rate need not agree for hours.
        lag = 0.0 if ends_s is None else max(0.0, self._fed / RATE - ends_s)
        return (Transcript(text, self._heard_until - lag, confidence=confidence),)


def sentence(result: str) -> tuple[str, float | None, float] | None:
    """Text, end in seconds of what the recogniser was fed (None where unknown) and mean confidence of the words, of
    one result of Vosk; None where nothing was understood. Raises `ModelError` for what is no result."""
    try:
        fields = json.loads(result)
        text = fields.get("text", "").strip()
        words = fields.get("result", [])
        ends_s = max((float(word["end"]) for word in words), default=None)
        # Vosk leaves `conf` out where it gives alternatives.
        confidence = sum(float(word.get("conf", 1.0)) for word in words) / len(words) if words else 1.0
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"Vosk gave a result that cannot be read ({type(error).__name__})") from error
    return (text, ends_s, min(1.0, max(0.0, confidence))) if text else None
