"""The front ends of voice models: each makes the input that a card names out of sound."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingExtraError, ModelError
from edge.voice import logmel, mfcc, shortterm
from edge.voice import standardizer as standard
from edge.voice.bandwidth import filled
from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.logmel import LogMelStream
from edge.voice.pitch import Track
from edge.voice.shortterm import short_term
from edge.voice.standardizer import Standardizer


class FrontEnd(Protocol):
    """Makes a model's input out of a piece of sound. Not thread-safe."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """The input, with a batch of one.

        Args:
            samples: (n,) at 16 kHz, −1…1.
            position: Index of the first sample in the stream, so that what overlaps the last call can be reused.
            track: The pitch of these samples.
        """

    def forget(self) -> None:
        """Forgets the sound that was kept for the next call."""


class LogMelInput:
    """The spectrogram itself: (1, 64, 188, 1) in 0…1."""

    def __init__(self) -> None:
        self._stream = LogMelStream()

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return self._stream.read(samples, position)[None, :, :, None]

    def forget(self) -> None:
        """See `FrontEnd`."""
        self._stream = LogMelStream()


class FunctionalsInput:
    """Standardised functionals of the spectrogram, then of the pitch: (1, 897)."""

    def __init__(self, standard: Standardizer) -> None:
        self._stream = LogMelStream()
        self._standard = standard

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        mel = filled(self._stream.read(samples, position), self._standard.band_levels)
        values = np.concatenate([functionals(mel), intonation(track)])
        return self._standard.apply(values)[None]

    def forget(self) -> None:
        """See `FrontEnd`."""
        self._stream = LogMelStream()


class CepstraInput:
    """13 mel cepstra every 10 ms: (1, 300, 13), not standardised."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return mfcc.mel_cepstra(samples)[None]

    def forget(self) -> None:
        """Nothing is kept."""


class ShortTermInput:
    """34 short-term features every 0.1 s, as the origin project read them: (1, 100, 34), not standardised."""

    def read(self, samples: NDArray[np.float32], position: int, track: Track) -> NDArray[np.float32]:
        """See `FrontEnd`."""
        return short_term(samples)[None]

    def forget(self) -> None:
        """Nothing is kept."""


_OF_CEPSTRA: Final[Mapping[Any, Callable[[], FrontEnd]]] = {
    mfcc.FRONT_END["name"]: CepstraInput,
    shortterm.FRONT_END["name"]: ShortTermInput,
}


def open_front_end(front_end: Mapping[str, Any], model: str) -> FrontEnd:
    """The one that a card's `front_end` names. `model`: what to call it in an error.

    Raises `ModelError`, `MissingExtraError`.
    """
    name = front_end.get("name")
    if name == logmel.FRONT_END["name"]:
        return LogMelInput()
    if name == standard.NAME:
        return FunctionalsInput(Standardizer.read(front_end))
    if name in _OF_CEPSTRA:
        if importlib.util.find_spec("python_speech_features") is None:
            raise MissingExtraError("mel cepstra", "mfcc")
        return _OF_CEPSTRA[name]()
    known = ", ".join(repr(one) for one in (logmel.FRONT_END["name"], standard.NAME, *_OF_CEPSTRA))
    raise ModelError(f"model {model} wants the front end {name!r}; this version has {known}")
