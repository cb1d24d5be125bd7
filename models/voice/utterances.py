"""The clips of all corpora as rows: corpus, speaker, acted class, label and fold, without features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from models.voice.clips import Clip
from models.voice.data import NONE, SEVEN
from models.voice.protocols.folds import CLASSES, FOLDS, fold

ONLY_TRAINING: Final[dict[str, dict[str, str]]] = {
    "nEMO": {
        "anger": "anger",
        "fear": "fear",
        "happiness": "happiness",
        "neutral": "neutral",
        "sadness": "sadness",
        "surprised": "surprise",
    },
    "TESS": {
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "happiness",
        "neutral": "neutral",
        "ps": "surprise",
        "sad": "sadness",
    },
}
"""The project's label for each class of the corpora that no protocol measures."""
NO_FOLD: Final = -1
"""Fold of a speaker whom no fold holds out."""


@dataclass(frozen=True)
class Utterances:
    """n clips as arrays."""

    corpora: NDArray[np.str_]
    """(n,) names of the corpora."""
    speakers: NDArray[np.int64]
    """(n,) numbers of the speakers, distinct over all corpora."""
    classes: NDArray[np.int64]
    """(n,) acted classes as indices into the corpus's entry of `folds.CLASSES`, or `NONE`."""
    labels: NDArray[np.int64]
    """(n,) labels as indices into `LABELS`, or `NONE`."""
    folds: NDArray[np.int64]
    """(n,) numbers of the folds whose test speakers include the speaker, or `NO_FOLD`."""
    names: NDArray[np.str_]
    """(n,) acted classes in the corpus's own naming."""
    keys: NDArray[np.str_]
    """(n,) names of the clips in their corpus."""

    def __len__(self) -> int:
        return len(self.classes)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Utterances:
        """The clips selected by a boolean mask or by indices."""
        return Utterances(*(getattr(self, field.name)[which] for field in fields(self)))

    def unheard(self, number: int) -> NDArray[np.bool_]:
        """(n,) whether the speaker of a clip is held out in fold `number`."""
        counts = np.array([FOLDS.get(corpus, number + 1) for corpus in self.corpora])
        return np.asarray((self.folds == number % counts) & (self.folds != NO_FOLD))


def of(clips: Sequence[Clip]) -> Utterances:
    """The rows of these clips."""
    people = {person: i for i, person in enumerate(sorted({(clip.corpus, clip.speaker) for clip in clips}))}
    labels = [(SEVEN | ONLY_TRAINING)[clip.corpus].get(clip.name) for clip in clips]
    return Utterances(
        corpora=np.array([clip.corpus for clip in clips]),
        speakers=np.array([people[clip.corpus, clip.speaker] for clip in clips]),
        classes=np.array([CLASSES[c.corpus].index(c.name) if c.corpus in CLASSES else NONE for c in clips]),
        labels=np.array([NONE if label is None else LABELS.index(label) for label in labels]),
        folds=np.array([fold(c.corpus, c.speaker) if c.corpus in CLASSES else NO_FOLD for c in clips]),
        names=np.array([clip.name for clip in clips]),
        keys=np.array([clip.key for clip in clips]),
    )
