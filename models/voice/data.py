"""RAVDESS, CREMA-D and EMO-DB as log-mels with their own classes and the seven labels, and who speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from edge.voice.intonation import SIZE as PITCH_SIZE
from edge.voice.intonation import intonation
from models.voice.clips import Clip, mel_and_pitch
from models.voice.nets.melpitch import MelPitch
from models.voice.protocols.folds import CLASSES, FOLDS

LEVELS: Final = 252
"""Spectrograms are kept as bytes of 0…252, four a step of CREMA-D's 0…63."""

SEVEN: Final[dict[str, dict[str, str]]] = {
    "RAVDESS": {
        "neutral": "neutral",
        "calm": "neutral",  # the database's second baseline, and none of the seven is nearer
        "happy": "happiness",
        "sad": "sadness",
        "angry": "anger",
        "fearful": "fear",
        "disgust": "disgust",
        "surprised": "surprise",
    },
    "CREMA-D": {
        "ANG": "anger",
        "DIS": "disgust",
        "FEA": "fear",
        "HAP": "happiness",
        "NEU": "neutral",
        "SAD": "sadness",
    },
    "EMO-DB": {  # without L, boredom: it is none of the seven, and acted it is far from neutral
        "W": "anger",
        "E": "disgust",
        "A": "fear",
        "F": "happiness",
        "T": "sadness",
        "N": "neutral",
    },
}
"""The project's label for a corpus's class, where there is one."""

NONE: Final = -1


@dataclass(frozen=True)
class Voices:
    """Clips: `mels` (n, 64, 188) uint8 of 0…`LEVELS`; `pitch` (n, 37) intonation; `corpora` and `speakers` (n,) names;
    `classes` (n,) int64 in the order of `folds.CLASSES`; `labels` (n,) int64 in the order of `LABELS`, `NONE` where
    none fits; `folds` (n,)."""

    mels: NDArray[np.uint8]
    pitch: NDArray[np.float32]
    corpora: NDArray[np.str_]
    speakers: NDArray[np.str_]
    classes: NDArray[np.int64]
    labels: NDArray[np.int64]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Voices:
        """Some rows."""
        return Voices(*(getattr(self, field.name)[which] for field in fields(self)))

    def unheard(self, number: int) -> NDArray[np.bool_]:
        """(n,): whose speakers are held out in a fold."""
        folds = np.array([FOLDS[corpus] for corpus in self.corpora])
        return np.asarray(self.folds == number % folds)


def load(clips: Sequence[Clip], tell: Callable[[str], None] = lambda _: None) -> Voices:
    """The clips, as the device's own front end gives them.

    Raises `ModelError` where the net that reads pitch in a log-mel is missing.
    """
    mels = np.empty((len(clips), 64, 188), np.uint8)
    pitch = np.empty((len(clips), PITCH_SIZE), np.float32)
    pitch_net = MelPitch()
    for i, clip in enumerate(clips):
        mel, track = mel_and_pitch(clip.read(), pitch_net)
        mels[i] = np.rint(mel * LEVELS)
        pitch[i] = intonation(track)
        if (i + 1) % 1000 == 0:
            tell(f"{i + 1} of {len(clips)} clips")
    return of(clips, mels, pitch)


def of(clips: Sequence[Clip], mels: NDArray[np.uint8], pitch: NDArray[np.float32]) -> Voices:
    """What is known of the clips beside their sound, with it."""
    seven = (SEVEN[clip.corpus].get(clip.name) for clip in clips)
    return Voices(
        mels,
        pitch,
        corpora=np.array([clip.corpus for clip in clips]),
        speakers=np.array([clip.speaker for clip in clips]),
        classes=np.array([CLASSES[clip.corpus].index(clip.name) for clip in clips]),
        labels=np.array([NONE if label is None else LABELS.index(label) for label in seven]),
        folds=np.array([clip.fold for clip in clips]),
    )


def as_input(mels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 64, 188) bytes → (n, 64, 188, 1) float32 in 0…1."""
    return mels[..., None].astype(np.float32) / np.float32(LEVELS)
