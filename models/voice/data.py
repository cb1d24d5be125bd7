"""RAVDESS, CREMA-D and EMO-DB as arrays: log-mels, pitch, the corpora's classes, the seven labels and the speakers."""

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
"""Highest level of a spectrogram stored as bytes; four levels correspond to one of CREMA-D's 63 steps."""

SEVEN: Final[dict[str, dict[str, str]]] = {
    "RAVDESS": {
        "neutral": "neutral",
        "calm": "neutral",  # the second baseline of the corpus; neutral is the closest of the seven labels
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
    "EMO-DB": {  # L (boredom) is left out: it has no label, and acted boredom differs much from neutral
        "W": "anger",
        "E": "disgust",
        "A": "fear",
        "F": "happiness",
        "T": "sadness",
        "N": "neutral",
    },
}
"""The project's label for each class of a corpus; classes without a label are left out."""

NONE: Final = -1
"""Value in `Voices.labels` of a clip without one of the seven labels."""


@dataclass(frozen=True)
class Voices:
    """Clips as arrays with n rows."""

    mels: NDArray[np.uint8]
    """(n, 64, 188) log-mels as bytes 0…`LEVELS`."""
    pitch: NDArray[np.float32]
    """(n, 37) functionals of the pitch (`edge.voice.intonation`)."""
    corpora: NDArray[np.str_]
    """(n,) names of the corpora."""
    speakers: NDArray[np.str_]
    """(n,) identifiers of the speakers in their corpus."""
    classes: NDArray[np.int64]
    """(n,) acted classes as indices into the corpus's entry of `folds.CLASSES`."""
    labels: NDArray[np.int64]
    """(n,) labels as indices into `LABELS`, or `NONE`."""
    folds: NDArray[np.int64]
    """(n,) numbers of the folds whose test speakers include the speaker."""

    def __len__(self) -> int:
        return len(self.classes)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Voices:
        """The clips selected by a boolean mask or by indices."""
        return Voices(*(getattr(self, field.name)[which] for field in fields(self)))

    def unheard(self, number: int) -> NDArray[np.bool_]:
        """(n,) whether the speaker of a clip is held out in fold `number`."""
        folds = np.array([FOLDS[corpus] for corpus in self.corpora])
        return np.asarray(self.folds == number % folds)


def load(clips: Sequence[Clip], report: Callable[[str], None] = lambda _: None) -> Voices:
    """Reads the clips and computes their features with the device's own front end; `report` receives progress lines.

    Raises `ModelError` if the network that estimates pitch from a log-mel is missing.
    """
    mels = np.empty((len(clips), 64, 188), np.uint8)
    pitch = np.empty((len(clips), PITCH_SIZE), np.float32)
    pitch_net = MelPitch()
    for i, clip in enumerate(clips):
        mel, track = mel_and_pitch(clip.read(), pitch_net)
        mels[i] = np.rint(mel * LEVELS)
        pitch[i] = intonation(track)
        if (i + 1) % 1000 == 0:
            report(f"{i + 1} of {len(clips)} clips")
    return of(clips, mels, pitch)


def of(clips: Sequence[Clip], mels: NDArray[np.uint8], pitch: NDArray[np.float32]) -> Voices:
    """Combines computed features with the metadata of the clips.

    Args:
        clips: The n clips.
        mels: (n, 64, 188) log-mels as bytes 0…`LEVELS`.
        pitch: (n, 37) functionals of the pitch.
    """
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
