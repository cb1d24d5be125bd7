"""Reads labelled texts of the corpora GoEmotions, EmoryNLP and SemEval-2025, and of MELD for studies."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS

_GO_ORDER: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""Labels in the order of GoEmotions' class numbers in the Ekman grouping."""
_EMORY: Final = {  # Peaceful and Powerful have no counterpart among the seven labels and are left out
    "Joyful": "happiness",
    "Mad": "anger",
    "Scared": "fear",
    "Sad": "sadness",
    "Neutral": "neutral",
}
"""Label for each class of EmoryNLP."""
_SEMEVAL: Final = {"anger": "anger", "fear": "fear", "joy": "happiness", "sadness": "sadness", "surprise": "surprise"}
"""Label for each column of SemEval-2025."""
_MELD: Final = {"joy": "happiness"} | {label: label for label in LABELS if label != "happiness"}
"""Label for each class of MELD."""
_DAILY: Final = {"no emotion": "neutral"} | {label: label for label in LABELS}
"""Label for each class of DailyDialog."""

EXTRA_WEIGHT: Final = 0.5
"""Weight of a row of EmoryNLP or SemEval-2025; a row of GoEmotions, whose test set decides, has weight 1."""

Row = tuple[str, tuple[str, ...]]
"""A text and its one or more labels."""


def goemotions(data: Path, split: str) -> Iterator[Row]:
    """Rows of `train`, `dev` or `test` of GoEmotions in the Ekman grouping of the paper."""
    path = data / "text/goemotions/ekman" / f"{split}.tsv"
    for line in path.read_text(encoding="utf-8").splitlines():
        text, labels, _ = line.split("\t")
        yield text, tuple(_GO_ORDER[int(label)] for label in labels.split(","))


def emorynlp(data: Path) -> Iterator[Row]:
    """Rows of all splits of EmoryNLP."""
    for split in ("train", "dev", "test"):
        yield from _table(data / "text/emorynlp" / f"emorynlp_{split}_final.csv", "Utterance", "Emotion", _EMORY)


def semeval(data: Path) -> Iterator[Row]:
    """English rows of `train` and `dev` of SemEval-2025 task 11; rows without a label count as neutral."""
    for split in ("train", "dev"):
        with (data / "text/semeval2025_task11" / f"track_a_{split}_eng.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield row["text"], tuple(ours for name, ours in _SEMEVAL.items() if row[name] == "1") or ("neutral",)


def meld(data: Path, split: str = "test") -> Iterator[Row]:
    """Utterances of MELD, from a television series; they are never used for a model that ships."""
    yield from _table(data / "text/meld" / f"{split}_sent_emo.csv", "Utterance", "Emotion", _MELD)


def meld_dialogues(data: Path, split: str) -> list[list[Row]]:
    """Dialogues of MELD, each as its utterances in order; they are never used for a model that ships."""
    dialogues: dict[str, list[Row]] = {}
    with (data / "text/meld" / f"{split}_sent_emo.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            dialogues.setdefault(row["Dialogue_ID"], []).append((row["Utterance"], (_MELD[row["Emotion"]],)))
    return list(dialogues.values())


def training(data: Path) -> dict[str, tuple[list[Row], float]]:
    """Rows and weight, by name, of each corpus whose terms allow shipping a model trained on it."""
    return {
        "GoEmotions": (list(goemotions(data, "train")), 1.0),
        "EmoryNLP": (list(emorynlp(data)), EXTRA_WEIGHT),
        "SemEval-2025 task 11 (English)": (list(semeval(data)), EXTRA_WEIGHT),
    }


def targets(rows: Sequence[Row]) -> NDArray[np.float32]:
    """(n, 7) targets of 0 or 1; a row may have several ones."""
    found = np.zeros((len(rows), COUNT), np.float32)
    for i, (_, labels) in enumerate(rows):
        found[i, [LABELS.index(label) for label in labels]] = 1
    return found


def _table(path: Path, text: str, label: str, mapping: dict[str, str]) -> Iterator[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row[label] in mapping:
                yield row[text], (mapping[row[label]],)
