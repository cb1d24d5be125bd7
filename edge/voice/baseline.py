"""The voice's baseline: the mean embedding of what a speaker has said so far, as an input of the voice model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.voiceprint import SAME, distance

MOST_UTTERANCES: Final = 30
"""Beyond this number of utterances, older ones fade. No model has learnt with a baseline of more."""
LEAST_QUALITY: Final = 0.3
"""Utterances of lower quality teach nothing: noise and fragments say little about a voice."""
MOST_PERSONS: Final = 16
"""Number of named persons whose baselines are kept; of more, the one that spoke longest ago is forgotten."""
MOST_STRANGERS: Final = 4
"""Number of voices without a name whose baselines are kept."""
_HALF_TRUST: Final = 2.0
"""Number of utterances whose mean is trusted by one half."""

_Array = NDArray[np.float32]


def trust(count: int) -> float:
    """Trust in the mean of `count` utterances, 0…1: count / (count + 2), as the models have learnt it."""
    return count / (count + _HALF_TRUST)


@dataclass(slots=True)
class _Voice:
    """What is known of one speaker."""

    embedding: _Array
    """(e,) mean embedding."""
    count: int = 0
    """Number of utterances in it, at most `MOST_UTTERANCES`."""
    mark: _Array | None = None
    """(13,) mean voiceprint; None for a person who is known by name."""

    def learn(self, embedding: _Array, mark: _Array | None) -> None:
        """Adds one utterance to the means."""
        self.count = min(self.count + 1, MOST_UTTERANCES)
        self.embedding += (embedding - self.embedding) / self.count
        if self.mark is not None and mark is not None:
            self.mark += (mark - self.mark) / self.count


class Baselines:
    """Baselines of several speakers, kept in memory only; bounded in number. Not thread-safe.

    A speaker is a person whom the caller names or, without a name, a voice of like pitch and timbre: an utterance that
    is unlike all voices that are remembered starts afresh.
    """

    def __init__(self, size: int, enabled: bool = True) -> None:
        """Starts without any speaker.

        Args:
            size: Length of an embedding.
            enabled: False makes every speaker a stranger for ever.
        """
        self._size, self._enabled = size, enabled
        self._persons: OrderedDict[str, _Voice] = OrderedDict()
        self._strangers: list[_Voice] = []

    def of(self, person: str | None, mark: _Array | None) -> tuple[_Array, _Array]:
        """Baseline (1, e) and trust (1, 1) of a speaker; zeros for a stranger.

        Args:
            person: Identifier of the person who speaks; None if unknown.
            mark: Voiceprint of the utterance; None if it has none.
        """
        voice = self._find(person, mark)
        if voice is None or voice.count == 0:
            return np.zeros((1, self._size), np.float32), np.zeros((1, 1), np.float32)
        return voice.embedding[None].copy(), np.full((1, 1), trust(voice.count), np.float32)

    def learn(self, person: str | None, mark: _Array | None, embedding: _Array, quality: float) -> None:
        """Adds a finished utterance to its speaker's baseline, unless its quality is below `LEAST_QUALITY`.

        Args:
            person: Identifier of the person who spoke; None if unknown.
            mark: Voiceprint of the utterance; None if it has none, and then a nameless utterance is left out.
            embedding: (e,) embedding of the utterance.
            quality: Quality of the utterance, 0…1.
        """
        if not self._enabled or quality < LEAST_QUALITY or not np.isfinite(embedding).all():
            return
        voice = self._find(person, mark)
        if voice is None:
            voice = _Voice(np.zeros(self._size, np.float32))
            if person is not None:
                self._persons[person] = voice
                while len(self._persons) > MOST_PERSONS:
                    self._persons.popitem(last=False)
            elif mark is not None:
                voice.mark = mark.copy()
                self._strangers = [voice, *self._strangers][:MOST_STRANGERS]
            else:
                return
        elif person is not None:
            self._persons.move_to_end(person)
        else:
            self._strangers.sort(key=lambda other: other is not voice)
        voice.learn(embedding, mark)

    def forget(self, person: str) -> None:
        """Erases the baseline of a person; does nothing for an unknown one."""
        self._persons.pop(person, None)

    def _find(self, person: str | None, mark: _Array | None) -> _Voice | None:
        if person is not None:
            return self._persons.get(person)
        if mark is None:
            return None
        near = [(distance(voice.mark, mark), voice) for voice in self._strangers if voice.mark is not None]
        best = min(near, key=lambda pair: pair[0], default=None)
        return best[1] if best is not None and best[0] <= SAME else None
