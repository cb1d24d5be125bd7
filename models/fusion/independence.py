"""How far several observations of one sense are independent: the exponent of their number.

k observations of one emotion count as their mean log-likelihood times k to the power of the exponent. It is the one
with the lowest loss over pairs of utterances of one actor with one emotion, and over pairs of sentences of one text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.emotions import LABELS
from edge.observation import Observation, Transcript
from edge.words.sense import WordsSense
from models.fusion.reliability import loss
from models.words import corpora

EXPONENTS: Final = tuple(np.round(np.linspace(0.0, 1.0, 21), 2).tolist())
"""Exponents that are tried."""
_PAIRS_EACH: Final = 4
"""Number of partners that each utterance is paired with."""


def learn(log: NDArray[np.float64], label: NDArray[np.int64], group: NDArray[np.int64], seed: int) -> float:
    """The exponent with the lowest loss over random pairs.

    Args:
        log: (n, 7) log-posteriors under equally frequent labels, of maps that were not fitted to these rows.
        label: (n,) indices of the true labels.
        group: (n,) rows of one group and label are paired.
        seed: Seed of the pairing.
    """
    rng = np.random.default_rng(seed)
    first, second = [], []
    for key in {(int(g), int(y)) for g, y in zip(group, label, strict=True)}:
        rows = np.flatnonzero((group == key[0]) & (label == key[1]))
        for row in rows if len(rows) > 1 else []:
            others = rows[rows != row]
            picked = rng.choice(others, min(_PAIRS_EACH, len(others)), replace=False)
            first += [row] * len(picked)
            second += picked.tolist()
    mean = (log[first] + log[second]) / 2

    def lost(exponent: float) -> float:
        scaled = mean * 2**exponent
        return loss(scaled - np.log(np.exp(scaled).sum(1, keepdims=True)), label[first])

    return float(min(EXPONENTS, key=lost))


def sentences(data: Path, split: str = "dev") -> list[tuple[Observation, int, int]]:
    """The observation of each sentence of the texts that have several, with label and number of the text.

    Args:
        data: Folder of the corpora.
        split: Part of GoEmotions.
    """
    sense = WordsSense(config.Words())
    found = []
    for number, (text, labels) in enumerate(corpora.goemotions(data, split)):
        parts: Sequence[str] = re.split(r"(?<=[.!?])\s+", text)
        if len(labels) != 1 or len(parts) < 2:
            continue
        seen = [sense.read(Transcript(part, 0.0)) for part in parts]
        found += [(one, LABELS.index(labels[0]), number) for one in seen if one is not None]
    return found
