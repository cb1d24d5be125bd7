"""The corpora as word numbers with multi-label targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.errors import ModelError
from edge.inference.posterior import sigmoid
from edge.words.features import ids
from edge.words.text import tokens
from models.words import contrast, corpora, emoji, negation
from models.words.corpora import Row
from models.words.lexicon import Target

TEACHER_SHARE: Final = 0.5
"""Weight of the teacher's probabilities in the target of a labelled text."""
OPINION_SHARE: Final = 0.9
"""Weight of the opinion of an earlier network in the target of a labelled text, where training goes on from it."""
VARIED_WEIGHT: Final = 0.5
"""Sample weight of a varied text; a text labelled by people has weight 1."""
SIGNED_WEIGHT: Final = 0.5
"""Sample weight of a text with an added emoji or emoticon; a text labelled by people has weight 1."""
PAIR_WEIGHT: Final = 1.0
"""Sample weight of a sentence made to teach negation or contrast."""
FRAMED_TIMES: Final = 24
"""Number of sentences, each plain and denied, that are made of each word of the lexicon."""
CONTRASTS: Final = 9000
"""Number of sentences of two clauses in contrast."""


@dataclass(frozen=True)
class Texts:
    """Texts as arrays with n rows."""

    ids: NDArray[np.int32]
    """(n, 32) word numbers."""
    targets: NDArray[np.float32]
    """(n, 7) targets of 0…1; a row may have several labels."""
    weights: NDArray[np.float32]
    """(n,) sample weights."""

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Texts:
        """The texts selected by a boolean mask or by indices."""
        return Texts(self.ids[which], self.targets[which], self.weights[which])

    @property
    def single(self) -> NDArray[np.bool_]:
        """(n,) whether a row has exactly one label."""
        return np.asarray(self.targets.sum(1) == 1)


def goemotions(data: Path, split: str) -> Texts:
    """`train`, `dev` or `test` of GoEmotions in the Ekman grouping of the paper."""
    return _texts(list(corpora.goemotions(data, split)), 1.0)


def meld(data: Path, split: str = "test") -> Texts:
    """Utterances of MELD, from a television series; they are never used for a model that ships."""
    return _texts(list(corpora.meld(data, split)), 1.0)


def training(data: Path) -> dict[str, Texts]:
    """The corpora, by name, whose terms allow shipping a model trained on them."""
    return {name: _texts(rows, weight) for name, (rows, weight) in corpora.training(data).items()}


def training_texts(data: Path) -> Iterator[str]:
    """The texts of all corpora of `training`."""
    for rows, _ in corpora.training(data).values():
        yield from (text for text, _ in rows)


def with_signs(data: Path, seed: int) -> Texts:
    """A sample of the training texts with an added emoji or emoticon that determines the label."""
    rows = [row for part, _ in corpora.training(data).values() for row in part]
    return _texts(list(emoji.signed(rows, seed)), SIGNED_WEIGHT)


def join(parts: Iterable[Texts]) -> Texts:
    """Concatenates the rows of several corpora."""
    parts = list(parts)
    return Texts(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def taught(texts: Texts, teacher: Path) -> Texts:
    """Adds the targets of a teacher (distillation: Hinton et al., 2015).

    Half of each training target becomes the teacher's probabilities. Varied texts are appended with those alone.

    Args:
        texts: The training texts.
        teacher: File of `models.words.teacher` for the same texts.

    Raises:
        ModelError: The file was made from other texts.
    """
    with np.load(teacher, allow_pickle=False) as file:
        own, opinion = int(file["own"]), sigmoid(file["logits"].astype(np.float32))
        varied = [str(text) for text in file["texts"][own:]]
    if own != len(texts):
        raise ModelError(f"{teacher} was made of {own} texts, not of these {len(texts)}")
    return Texts(
        np.concatenate([texts.ids, table(varied)]),
        np.concatenate([(1 - TEACHER_SHARE) * texts.targets + TEACHER_SHARE * opinion[:own], opinion[own:]]),
        np.concatenate([texts.weights, np.full(len(varied), VARIED_WEIGHT, np.float32)]),
    )


def with_opinion(texts: Texts, opinion: NDArray[np.float64]) -> Texts:
    """Most of each target becomes the probabilities (n, 7) that an earlier network gives to the n texts.

    What the earlier network knows is kept so (learning without forgetting: Li & Hoiem, ECCV 2016).
    """
    blend = (1 - OPINION_SHARE) * texts.targets + OPINION_SHARE * opinion
    return Texts(texts.ids, np.asarray(blend, np.float32), texts.weights)


def with_pairs(data: Path, posterior: NDArray[np.float64], seed: int) -> Texts:
    """Sentences that teach negation and contrast.

    Args:
        data: Folder of all corpora.
        posterior: (n, 7) probabilities that an earlier network gives to the n texts of `training_texts`.
        seed: The same seed gives the same sentences.
    """
    rows = [row for part, _ in corpora.training(data).values() for row in part]
    made = [
        *negation.framed(FRAMED_TIMES, seed),
        *negation.denied(rows),
        *contrast.joined(rows, posterior, CONTRASTS, seed),
    ]
    return _soft(made, PAIR_WEIGHT)


def table(texts: Iterable[str]) -> NDArray[np.int32]:
    """(n, 32) word numbers of the front end."""
    return np.stack([ids(tokens(text)) for text in texts])


def _texts(rows: Sequence[Row], weight: float) -> Texts:
    return Texts(table(text for text, _ in rows), corpora.targets(rows), np.full(len(rows), weight, np.float32))


def _soft(rows: Sequence[tuple[str, Target]], weight: float) -> Texts:
    targets = np.zeros((len(rows), COUNT), np.float32)
    for row, (_, target) in enumerate(rows):
        for label, value in target.items():
            targets[row, LABELS.index(label)] = value
    return Texts(table(text for text, _ in rows), targets, np.full(len(rows), weight, np.float32))
