"""The rows of the declared pairing: each sense alone, the plain product, and the learnt fusion, whole and disturbed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import COUNT
from edge.fusion.parameters import load
from edge.observation import SENSES, Sense
from models.corpora import require
from models.fusion import pairing, trial
from models.fusion.pairing import Trial
from models.fusion.rows import Row, row

PROTOCOL: Final = "declared pairing, seed 15: FER2013 PrivateTest, RAVDESS held-out actors, GoEmotions test"
"""Name of the protocol; the label is read 1 s and 2 s after the voice has ended."""
HUMANS: Final = "CREMA-D, 6 classes, what people name most often"
"""Name of the protocol of the human votes."""
_QUICK_EVERY: Final = 5
"""In a quick run, only every so many-th voice is heard."""
_QUICK_LABEL: Final = 20
"""In a quick run, so many triples of each label are drawn."""


def rows(data: Path, quick: bool) -> Iterator[Row]:
    """The rows of the declared pairing. See `models.fusion.rows.Protocol`."""
    found = pairing.material(data, "test", every=_QUICK_EVERY if quick else 1)
    trials = pairing.trials(found, per_label=_QUICK_LABEL if quick else pairing.PER_LABEL)
    truth = np.array([one.label for one in trials])
    plain = {sense: _last(trials, sense) for sense in SENSES}
    for sense in SENSES:
        yield row(PROTOCOL, "own posterior", sense, plain[sense], truth)
    divided = _divided()
    for mask in trial.SUBSETS:
        log = sum(np.log(np.maximum(plain[sense], 1e-3) / divided[sense]) for sense in mask.senses)
        yield row(PROTOCOL, "product, priors divided", mask.name, _normalised(np.asarray(log)), truth)
    for mask in (*trial.SUBSETS, *trial.DISTURBANCES):
        result = trial.play(trials, mask, pairing.SEED)
        for at in trial.READ_AT:
            name = f"{mask.name}, {at:g} s"
            yield row(PROTOCOL, "fusion", name, result.posterior[at], truth, decided=result.decided[at])


def humans(data: Path, quick: bool) -> Iterator[Row]:
    """What people name most often in CREMA-D, by voice, by face, and by both.

    The posterior of a clip gives its winners equal shares, so the calibration error is that of being sure of them.
    """
    labels = ("A", "D", "F", "H", "N", "S")
    columns = {"voice": "VoiceVote", "face": "FaceVote", "face+voice": "MultiModalVote"}
    with require(data, "voice/crema_d/summaryTable.csv").open(encoding="utf-8", newline="") as file:
        clips = list(csv.DictReader(file))[:: _QUICK_EVERY if quick else 1]
    truth = np.array([labels.index(clip["FileName"].split("_")[2][0]) for clip in clips])
    for mask, column in columns.items():
        votes = np.array([[label in clip[column].split(":") for label in labels] for clip in clips], np.float64)
        yield row(HUMANS, "people", mask, votes / votes.sum(1, keepdims=True), truth, labels=labels)


def _last(trials: Sequence[Trial], sense: Sense) -> NDArray[np.float64]:
    """(n, 7) posteriors of the newest observation of a sense in each trial."""
    return np.array([one.streams[sense][-1].posterior for one in trials])


def _divided() -> dict[Sense, NDArray[np.float64]]:
    """Sense → the prior that its posteriors imply, as learnt on validation data."""
    numbers = load(shipped.fusion())
    return {sense: np.asarray(numbers.reliability(sense).prior) for sense in SENSES}


def _normalised(log: NDArray[np.float64]) -> NDArray[np.float64]:
    found = np.exp(log - log.max(1, keepdims=True))
    assert found.shape[1] == COUNT
    return np.asarray(found / found.sum(1, keepdims=True))
