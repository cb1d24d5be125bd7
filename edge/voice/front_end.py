"""The front ends of voice models: each computes the input that a model card asks for from sound."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingExtraError, ModelError
from edge.voice import logmel, mfcc, packed, shortterm, whisper_mel
from edge.voice import standardizer as standard
from edge.voice.bandwidth import filled
from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.logmel import LogMelStream
from edge.voice.pitch import Track
from edge.voice.shortterm import short_term
from edge.voice.standardizer import Standardizer
from edge.voice.whisper_mel import WhisperMelStream


class FrontEnd(Protocol):
    """Computes a model's input from a piece of sound. Not thread-safe."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """Computes the model's input.

        Args:
            samples: (n,) float32 at 16 kHz, −1…1.
            position: Index of the first sample in the stream, so that results for sound that overlaps the previous call
                can be reused.
            track: The pitch track of these samples.

        Returns:
            A float32 array whose first axis is a batch of one.
        """

    def forget(self) -> None:
        """Discards the sound that was kept for reuse by the next call."""


class LogMelInput:
    """The log-mel spectrogram, (1, 64, 188, 1) in 0…1."""

    def __init__(self) -> None:
        self._stream = LogMelStream()

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return self._stream.read(samples, position)[None, :, :, None]

    def forget(self) -> None:
        """See `FrontEnd`."""
        self._stream = LogMelStream()


class WhisperMelInput:
    """The log-mel spectrogram of Whisper's encoder, (1, 300, 80) in 0…1."""

    def __init__(self) -> None:
        self._stream = WhisperMelStream()

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return self._stream.read(samples, position)[None]

    def forget(self) -> None:
        """See `FrontEnd`."""
        self._stream = WhisperMelStream()


class FunctionalsInput:
    """Standardised functionals, (1, 897): first those of the spectrogram, then those of the pitch."""

    def __init__(self, standard: Standardizer) -> None:
        self._stream = LogMelStream()
        self._standard = standard

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return self._described(samples, position, track)[1][None]

    def forget(self) -> None:
        """See `FrontEnd`."""
        self._stream = LogMelStream()

    def _described(
        self, samples: NDArray[np.float32], position: int, track: Track
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(64, 188) log-mel and (897,) standardised functionals."""
        mel = filled(self._stream.read(samples, position), self._standard.band_levels)
        return mel, self._standard.apply(np.concatenate([functionals(mel), intonation(track)]))


class PackedInput(FunctionalsInput):
    """The log-mel spectrogram and the standardised functionals in one array, (1, 12929) in −4…4."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        mel, values = self._described(samples, position, track)
        return packed.packed(mel.T, values)[None]


class CepstraInput:
    """13 mel-frequency cepstral coefficients every 10 ms, (1, 300, 13), not standardised."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return mfcc.mel_cepstra(samples)[None]

    def forget(self) -> None:
        """Does nothing: this front end keeps no sound."""


class ShortTermInput:
    """34 short-term features every 0.1 s, as in the origin project, (1, 100, 34), not standardised."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return short_term(samples)[None]

    def forget(self) -> None:
        """Does nothing: this front end keeps no sound."""


_CEPSTRAL_FRONT_ENDS: Final[Mapping[Any, Callable[[], FrontEnd]]] = {
    mfcc.FRONT_END["name"]: CepstraInput,
    shortterm.FRONT_END["name"]: ShortTermInput,
}


def open_front_end(front_end: Mapping[str, Any], model: str) -> FrontEnd:
    """Opens the front end that a card's `front_end` names. `model` names the model in error messages.

    Raises `ModelError` for an unknown or invalid front end, `MissingExtraError` where a package is not installed.
    """
    name = front_end.get("name")
    if name == logmel.FRONT_END["name"]:
        return LogMelInput()
    if name == whisper_mel.FRONT_END["name"]:
        return WhisperMelInput()
    if name == standard.NAME:
        return FunctionalsInput(Standardizer.read(front_end))
    if name == packed.NAME:
        return PackedInput(Standardizer.read(front_end))
    if name in _CEPSTRAL_FRONT_ENDS:
        if importlib.util.find_spec("python_speech_features") is None:
            raise MissingExtraError("mel cepstra", "mfcc")
        return _CEPSTRAL_FRONT_ENDS[name]()
    names = (logmel.FRONT_END["name"], whisper_mel.FRONT_END["name"], standard.NAME, packed.NAME)
    known = ", ".join(repr(one) for one in (*names, *_CEPSTRAL_FRONT_ENDS))
    raise ModelError(f"model {model} wants the front end {name!r}; this version has {known}")
