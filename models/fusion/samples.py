"""What the senses say about labelled validation or test data, one observation a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.emotions import LABELS
from edge.face.expression import Expression
from edge.face.quality import assess
from edge.inference.card import Card
from edge.observation import Observation, Transcript
from edge.words.sense import WordsSense
from models.corpora import require
from models.face import data as faces
from models.words import corpora

_LARGE_SIDE: Final = 64.0
"""Width in pixels that is assumed of the faces in FER2013, whose original size is unknown: enough for full quality."""


@dataclass(frozen=True)
class Samples:
    """n observations of one sense with their true labels."""

    posterior: NDArray[np.float64]
    """(n, 7) posteriors of the sense."""
    quality: NDArray[np.float64]
    """(n,) qualities, 0…1."""
    label: NDArray[np.int64]
    """(n,) indices of the true labels."""
    group: NDArray[np.int64]
    """(n,) number of the speaker or of the picture or text: rows of one group stay together in cross-validation."""

    def __len__(self) -> int:
        return len(self.label)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Samples:
        """The observations selected by a boolean mask or by indices."""
        return Samples(self.posterior[which], self.quality[which], self.label[which], self.group[which])


def of(found: Sequence[tuple[Observation, int, int]]) -> Samples:
    """Samples from observations, each with its true label and its group."""
    return Samples(
        np.array([seen.posterior for seen, _, _ in found]),
        np.array([seen.quality for seen, _, _ in found]),
        np.array([label for _, label, _ in found]),
        np.array([group for _, _, group in found]),
    )


def face(data: Path, split: str, size: str = "small") -> tuple[Samples, Card]:
    """The face model's observations of FER2013, and its card.

    Args:
        data: Folder of the corpora.
        split: `public` (validation) or `private` (test).
        size: `small` or `large`.
    """
    expression = Expression(shipped.model("face", f"face_{size}"))
    known = faces.load(require(data, faces.FILE), split)
    found = [
        Observation("face", 0.0, expression.posterior(image), assess(image, _LARGE_SIDE, 1.0).value)
        for image in known.images
    ]
    labels = known.labels.tolist()
    return of(list(zip(found, labels, range(len(labels)), strict=True))), expression.card


def words(data: Path, split: str) -> tuple[Samples, Card]:
    """The words sense's observations of GoEmotions' texts with a single label, and its card.

    Args:
        data: Folder of the corpora.
        split: `dev` (validation) or `test`.
    """
    sense = WordsSense(config.Words())
    require(data, "text/goemotions")
    found = []
    for number, (text, labels) in enumerate(corpora.goemotions(data, split)):
        seen = sense.read(Transcript(text, 0.0)) if len(labels) == 1 else None
        if seen is not None:
            found.append((seen, LABELS.index(labels[0]), number))
    return of(found), sense.card
