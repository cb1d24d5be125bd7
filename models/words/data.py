"""GoEmotions, EmoryNLP and SemEval-2025 as token ids with multi-label targets; MELD for evaluation only."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.words.features import ids
from edge.words.text import tokens

_GO_ORDER: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
_EMORY: Final = {  # Peaceful and Powerful are none of the seven: left out
    "Joyful": "happiness",
    "Mad": "anger",
    "Scared": "fear",
    "Sad": "sadness",
    "Neutral": "neutral",
}
_SEMEVAL: Final = {"anger": "anger", "fear": "fear", "joy": "happiness", "sadness": "sadness", "surprise": "surprise"}
_MELD: Final = {"joy": "happiness"} | {label: label for label in LABELS if label != "happiness"}

EXTRA_WEIGHT: Final = 0.5
"""Of a row of EmoryNLP or SemEval-2025 beside one of GoEmotions, whose test set counts."""


@dataclass(frozen=True)
class Texts:
    """`ids` (n, 40, 3) int32; `targets` (n, 7) float32 of 0 or 1, several a row; `weights` (n,) float32."""

    ids: NDArray[np.int32]
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Texts:
        """Some rows."""
        return Texts(self.ids[chosen], self.targets[chosen], self.weights[chosen])

    @property
    def single(self) -> NDArray[np.bool_]:
        """(n,): rows with exactly one label."""
        return np.asarray(self.targets.sum(1) == 1)


Row = tuple[str, tuple[str, ...]]


def goemotions(data: Path, split: str) -> Texts:
    """`train`, `dev` or `test` of GoEmotions in the Ekman grouping of the paper."""
    return _texts(_goemotions(data, split), 1.0)


def meld(data: Path, split: str = "test") -> Texts:
    """Utterances of a television series; never for a model that ships."""
    return _texts(_table(data / "text/meld" / f"{split}_sent_emo.csv", "Utterance", "Emotion", _MELD), 1.0)


def training(data: Path) -> dict[str, Texts]:
    """The corpora that are free enough for weights that ship, by name."""
    return {
        "GoEmotions": goemotions(data, "train"),
        "EmoryNLP": _texts(_emorynlp(data), EXTRA_WEIGHT),
        "SemEval-2025 task 11 (English)": _texts(_semeval(data), EXTRA_WEIGHT),
    }


def training_texts(data: Path) -> Iterator[str]:
    """The texts of `training`."""
    for rows in (_goemotions(data, "train"), _emorynlp(data), _semeval(data)):
        yield from (text for text, _ in rows)


def join(corpora: Iterable[Texts]) -> Texts:
    """All rows of several corpora."""
    parts = list(corpora)
    return Texts(
        np.concatenate([part.ids for part in parts]),
        np.concatenate([part.targets for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def _texts(rows: Iterable[Row], weight: float) -> Texts:
    rows = list(rows)
    targets = np.zeros((len(rows), COUNT), np.float32)
    for i, (_, labels) in enumerate(rows):
        targets[i, [LABELS.index(label) for label in labels]] = 1
    return Texts(np.stack([ids(tokens(text)) for text, _ in rows]), targets, np.full(len(rows), weight, np.float32))


def _goemotions(data: Path, split: str) -> Iterator[Row]:
    path = data / "text/goemotions/ekman" / f"{split}.tsv"
    for line in path.read_text(encoding="utf-8").splitlines():
        text, labels, _ = line.split("\t")
        yield text, tuple(_GO_ORDER[int(label)] for label in labels.split(","))


def _table(path: Path, text: str, label: str, mapping: dict[str, str]) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row[label] in mapping:
                yield row[text], (mapping[row[label]],)


def _emorynlp(data: Path) -> Iterator[Row]:
    for split in ("train", "dev", "test"):
        yield from _table(data / "text/emorynlp" / f"emorynlp_{split}_final.csv", "Utterance", "Emotion", _EMORY)


def _semeval(data: Path) -> Iterator[Row]:
    for split in ("train", "dev"):
        with (data / "text/semeval2025_task11" / f"track_a_{split}_eng.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield row["text"], tuple(ours for name, ours in _SEMEVAL.items() if row[name] == "1") or ("neutral",)
