"""Vosk as the speech recogniser: offline, with a model that the team provides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.errors import ConfigError, MissingExtraError, ModelError
from edge.hearing.resample import RATE
from edge.observation import AudioChunk, Transcript

MODELS: Final = "https://alphacephei.com/vosk/models"
"""Where Vosk models can be downloaded."""
_ACOUSTIC_MODEL_FILES: Final = ("am/final.mdl", "final.mdl")
"""Possible paths of the acoustic model inside the folder of a Vosk model."""


class VoskRecogniser:
    """Adapts Vosk's Kaldi decoder to the `Recogniser` protocol. Not thread-safe."""

    def __init__(self, model: Path | None) -> None:
        """`model`: folder of an unpacked Vosk model. Raises `ConfigError`, `MissingExtraError`, `ModelError`."""
        if model is None:
            raise ConfigError(f"vosk needs transcripts.recogniser_model, the folder of a model from {MODELS}")
        try:
            import vosk
        except ImportError as error:
            raise MissingExtraError("recognising speech with Vosk", "vosk") from error
        if not any((model / file).is_file() for file in _ACOUSTIC_MODEL_FILES):
            raise ModelError(f"{model} is no folder of a Vosk model; unpack one from {MODELS} there")
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(model))
        except Exception as error:
            # Vosk raises a bare `Exception`.
            raise ModelError(f"Vosk model {model} cannot be loaded: {error}") from error
        self._recogniser_class = vosk.KaldiRecognizer
        self._recogniser: Any = None
        self._samples_fed = 0
        self._fed_until = 0.0

    def feed(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        """Returns the sentences that ended in this chunk. Raises `ModelError`."""
        found = self.flush() if chunk.overruns else ()
        if self._recogniser is None:
            self._recogniser = self._recogniser_class(self._model, RATE)
            self._recogniser.SetWords(True)
            self._samples_fed = 0
        self._fed_until = chunk.captured_at + chunk.duration
        self._samples_fed += len(chunk.samples)
        try:
            ended = self._recogniser.AcceptWaveform(np.asarray(chunk.samples * 32767, "<i2").tobytes())
        except Exception as error:
            # Vosk raises a bare `Exception`.
            raise ModelError(f"Vosk cannot read the sound: {error}") from error
        return (*found, *self._transcripts(self._recogniser.Result())) if ended else found

    def flush(self) -> tuple[Transcript, ...]:
        """Returns the unfinished sentence; the next chunk starts a new one. Raises `ModelError`."""
        if self._recogniser is None:
            return ()
        found = self._transcripts(self._recogniser.FinalResult())
        self._recogniser = None
        return found

    def _transcripts(self, result: str) -> tuple[Transcript, ...]:
        parsed = sentence(result)
        if parsed is None:
            return ()
        text, ends_s, confidence = parsed
        # Times are counted back from the newest sample, because over hours clock and sample rate drift apart.
        lag = 0.0 if ends_s is None else max(0.0, self._samples_fed / RATE - ends_s)
        return (Transcript(text, self._fed_until - lag, confidence=confidence),)


def sentence(result: str) -> tuple[str, float | None, float] | None:
    """Parses one JSON result of Vosk.

    Returns:
        Text, end of the sentence in seconds of the sound that was fed (None if unknown), and mean confidence of its
        words, 0…1. None if no words were recognised.

    Raises:
        ModelError: `result` is malformed.
    """
    try:
        fields = json.loads(result)
        text = fields.get("text", "").strip()
        words = fields.get("result", [])
        ends_s = max((float(word["end"]) for word in words), default=None)
        # Vosk omits `conf` where it gives alternatives.
        confidence = sum(float(word.get("conf", 1.0)) for word in words) / len(words) if words else 1.0
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"Vosk gave a result that cannot be read ({type(error).__name__})") from error
    return (text, ends_s, min(1.0, max(0.0, confidence))) if text else None
