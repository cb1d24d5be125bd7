"""Labelled texts as they lie in the corpora: GoEmotions, EmoryNLP, SemEval-2025; MELD and DailyDialog for studies."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS

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
_DAILY: Final = {"no emotion": "neutral"} | {label: label for label in LABELS}

EXTRA_WEIGHT: Final = 0.5
"""Of a row of EmoryNLP or SemEval-2025 beside one of GoEmotions, whose test set counts."""

Row = tuple[str, tuple[str, ...]]
"""A text and its labels, one or more."""


def goemotions(data: Path, split: str) -> Iterator[Row]:
    """`train`, `dev` or `test` of GoEmotions in the Ekman grouping of the paper."""
    path = data / "text/goemotions/ekman" / f"{split}.tsv"
    for line in path.read_text(encoding="utf-8").splitlines():
        text, labels, _ = line.split("\t")
        yield text, tuple(_GO_ORDER[int(label)] for label in labels.split(","))


def emorynlp(data: Path) -> Iterator[Row]:
    for split in ("train", "dev", "test"):
        yield from _table(data / "text/emorynlp" / f"emorynlp_{split}_final.csv", "Utterance", "Emotion", _EMORY)


def semeval(data: Path) -> Iterator[Row]:
    for split in ("train", "dev"):
        with (data / "text/semeval2025_task11" / f"track_a_{split}_eng.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield row["text"], tuple(ours for name, ours in _SEMEVAL.items() if row[name] == "1") or ("neutral",)


def meld(data: Path, split: str = "test") -> Iterator[Row]:
    """Utterances of a television series; never for a model that ships."""
    yield from _table(data / "text/meld" / f"{split}_sent_emo.csv", "Utterance", "Emotion", _MELD)


def meld_dialogues(data: Path, split: str) -> list[list[Row]]:
    """The same in dialogues, in order; never for a model that ships."""
    dialogues: dict[str, list[Row]] = {}
    with (data / "text/meld" / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            dialogues.setdefault(row["Dialogue_ID"], []).append((row["Utterance"], (_MELD[row["Emotion"]],)))
    return list(dialogues.values())


def training(data: Path) -> dict[str, tuple[list[Row], float]]:
    """Rows and weight of each corpus that is free enough for weights that ship, by name."""
    return {
        "GoEmotions": (list(goemotions(data, "train")), 1.0),
        "EmoryNLP": (list(emorynlp(data)), EXTRA_WEIGHT),
        "SemEval-2025 task 11 (English)": (list(semeval(data)), EXTRA_WEIGHT),
    }


def targets(rows: Sequence[Row]) -> NDArray[np.float32]:
    """(n, 7) of 0 or 1, several a row."""
    found = np.zeros((len(rows), COUNT), np.float32)
    for i, (_, labels) in enumerate(rows):
        found[i, [LABELS.index(label) for label in labels]] = 1
    return found


def _table(path: Path, text: str, label: str, mapping: dict[str, str]) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row[label] in mapping:
                yield row[text], (mapping[row[label]],)
