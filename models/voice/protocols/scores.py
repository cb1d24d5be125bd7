"""Scores of voice models on speakers, and on whole corpora, that they have not heard; with and without a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from edge.inference.card import Score
from edge.inference.posterior import softmax
from models.metrics import fit_temperature, single_label
from models.voice.data import NONE
from models.voice.protocols.folds import CLASSES, SHARED, head
from models.voice.protocols.reading import Read
from models.voice.utterances import NO_FOLD, Utterances

PROTOCOLS: Final = {
    "RAVDESS": "RAVDESS, 8 classes, five folds by actor",
    "CREMA-D": "CREMA-D, 6 classes, five folds by actor",
    "EMO-DB": "EMO-DB, 7 classes, one speaker left out, whole clips",
}
"""Name of the protocol of each corpus over its own classes."""
EMO_DB_SHORT: Final = "EMO-DB, 7 classes, one speaker left out, 2 s clips"
"""Name of the same protocol on the first two seconds of each clip."""
ALL: Final = "RAVDESS, CREMA-D and EMO-DB over the seven labels, speakers left out"
"""Name of the protocol over the seven labels."""
OTHERS: Final = "learnt from the others"
"""Prefix of the networks, and part of the protocols' names, of corpora that were left out as a whole."""


NETS: Final = 5
"""Networks that measure the folds. Folds k and k + 5, which differ in EMO-DB's speakers only, share one."""


def fold_name(number: int) -> str:
    """Name of the network that has not heard the speakers of a fold."""
    return f"fold{number % NETS}"


def heard(spoken: Utterances, name: str) -> NDArray[np.bool_]:
    """(n,) clips that the network `name` may learn. Raises `KeyError` for an unknown name."""
    if name in map(others_name, CLASSES):
        return np.array([others_name(str(corpus)) != name for corpus in spoken.corpora])
    number = {fold_name(number): number for number in range(NETS)}[name]
    return np.asarray((spoken.folds == NO_FOLD) | (spoken.folds % NETS != number))


def others_name(corpus: str) -> str:
    """Name of the network that has not heard a corpus."""
    return f"others_{corpus.lower().replace('-', '')}"


def by_fold(spoken: Utterances) -> list[str]:
    """For each utterance the name of the network that has not heard its speaker."""
    return [fold_name(int(number)) for number in spoken.folds]


def across(spoken: Utterances) -> list[str]:
    """For each utterance the name of the network that has not heard its corpus."""
    return [others_name(str(corpus)) for corpus in spoken.corpora]


def temperatures(found: Read, spoken: Utterances, heads: Sequence[str] = (*CLASSES, SHARED)) -> dict[str, float]:
    """The temperature of each network of the folds, fitted on what the others say of speakers they have not heard.

    A network's temperature is thus independent of the speakers on which it is measured.

    Args:
        found: What the networks of the folds say of the utterances.
        spoken: The utterances.
        heads: Heads whose temperatures are averaged.
    """
    fitted = {}
    for number in range(NETS):
        rest = np.asarray(spoken.folds % NETS != number)
        fitted[fold_name(number)] = temperature(found, spoken, rest, heads)
    return fitted


def temperature(found: Read, spoken: Utterances, which: NDArray[np.bool_], heads: Sequence[str]) -> float:
    """Mean temperature of some heads on some utterances; half of the weight is on strangers, half on all baselines.

    Args:
        found: What networks that have not heard the speakers say.
        spoken: The utterances.
        which: (n,) utterances to fit on.
        heads: Names of the heads.
    """
    best = []
    for name in heads:
        known = which & (spoken.labels != NONE if name == SHARED else spoken.corpora == name)
        truth = spoken.labels[known] if name == SHARED else spoken.classes[known]
        if known.any():
            counts = sorted(found.logits)
            shown = [0] * max(1, len(counts) - 1) + counts[1:] if counts[0] == 0 else counts
            logits = np.concatenate([found.logits[count][known][:, head(name)] for count in shown])
            best.append(fit_temperature(logits, np.tile(truth, len(shown))))
    return float(np.mean(best))


def of_corpora(
    model: str,
    found: Read,
    spoken: Utterances,
    fitted: Mapping[str, float],
    protocols: Mapping[str, str] = PROTOCOLS,
) -> list[Score]:
    """Scores of each corpus over its own classes, for each baseline.

    Args:
        model: Name of the measured model.
        found: What the networks of the folds say.
        spoken: The utterances.
        fitted: Temperature of each network.
        protocols: Corpus → name of its protocol; other corpora are left out.
    """
    scale = np.array([fitted[str(name)] for name in found.net], np.float32)[:, None]
    rows = []
    for corpus, protocol in protocols.items():
        of = spoken.corpora == corpus
        for count, logits in found.logits.items():
            posterior = softmax((logits / scale)[of][:, head(corpus)], 1.0)
            rows.append(_known(single_label(model, protocol, posterior, spoken.classes[of], CLASSES[corpus]), count))
    return rows


def of_labels(
    model: str, found: Read, spoken: Utterances, fitted: Mapping[str, float], protocol: str = ALL
) -> list[Score]:
    """Scores of all corpora together over the seven labels, for each baseline; arguments as in `of_corpora`."""
    scale = np.array([fitted[str(name)] for name in found.net], np.float32)[:, None]
    of = spoken.labels != NONE
    rows = []
    for count, logits in found.logits.items():
        posterior = softmax((logits / scale)[of][:, head(SHARED)], 1.0)
        rows.append(_known(single_label(model, protocol, posterior, spoken.labels[of], LABELS), count))
    return rows


def of_others(model: str, found: Read, spoken: Utterances, scale: float) -> list[Score]:
    """Scores over the seven labels of each corpus by a network that learnt from all other corpora, for each baseline.

    Args:
        model: Name of the measured model.
        found: What these networks say.
        spoken: The utterances.
        scale: Temperature, fitted on other corpora.
    """
    rows = []
    for corpus in CLASSES:
        of = (spoken.corpora == corpus) & (spoken.labels != NONE)
        for count, logits in found.logits.items():
            posterior = softmax(logits[of][:, head(SHARED)], scale)
            name = f"{corpus}, seven labels, {OTHERS}"
            rows.append(_known(single_label(model, name, posterior, spoken.labels[of], LABELS), count))
    return rows


def _known(score: Score, count: int) -> Score:
    return msgspec.structs.replace(score, baseline=count)
