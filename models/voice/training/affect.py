"""Targets of arousal and valence: coordinates of the acted emotion, by its acted intensity and by raters' votes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS, VALENCE_AROUSAL
from models.voice.data import NONE
from models.voice.utterances import Utterances

INTENSITY: Final = {"01": 0.8, "02": 1.2, "LO": 0.7, "MD": 1.0, "HI": 1.3, "XX": 1.0}
"""Factor of the coordinates for each acted intensity: RAVDESS's fourth field, CREMA-D's last."""
CALM: Final = (0.15, -0.3)
"""Valence and arousal of RAVDESS's calm: pleasant and relaxed."""
BOREDOM: Final = (-0.3, -0.5)
"""Valence and arousal of EMO-DB's boredom (Russell & Mehrabian 1977, rounded)."""
VOTES_WEIGH: Final = 0.5
"""Share of the raters' votes in CREMA-D's targets; the rest is the acted emotion."""
_VOTES: Final = {"A": "anger", "D": "disgust", "F": "fear", "H": "happiness", "N": "neutral", "S": "sadness"}


def votes(folder: Path) -> dict[str, tuple[float, float]]:
    """Valence and arousal of CREMA-D's clips by what most raters heard in the voice alone; ties are averaged.

    `folder`: that of the voice corpora. A missing table gives an empty result.
    """
    path = folder / "crema_d" / "summaryTable.csv"
    if not path.exists():
        return {}
    found = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            heard = [VALENCE_AROUSAL[_VOTES[letter]] for letter in row["VoiceVote"].split(":") if letter in _VOTES]
            if heard:
                level = np.mean([float(part) for part in row["VoiceLevel"].split(":")]) / 65.0
                valence, arousal = np.mean(heard, axis=0) * level
                found[row["FileName"]] = (float(valence), float(arousal))
    return found


def targets(spoken: Utterances, voted: dict[str, tuple[float, float]]) -> NDArray[np.float32]:
    """(n, 2) arousal and valence, each in −1…1.

    Args:
        spoken: The n clips.
        voted: What `votes` returns.
    """
    found = np.zeros((len(spoken), 2), np.float32)
    for i, (corpus, label, name, key) in enumerate(
        zip(spoken.corpora, spoken.labels, spoken.names, spoken.keys, strict=True)
    ):
        valence, arousal = BOREDOM if label == NONE else VALENCE_AROUSAL[LABELS[label]]
        if name == "calm":
            valence, arousal = CALM
        if corpus == "RAVDESS":
            factor = INTENSITY[str(key).split("-")[3]]
        elif corpus == "CREMA-D":
            factor = INTENSITY.get(str(key)[13:15], 1.0)
        else:
            factor = 1.0
        valence, arousal = factor * valence, factor * arousal
        if str(key) in voted:
            by_ear = voted[str(key)]
            valence = (1 - VOTES_WEIGH) * valence + VOTES_WEIGH * by_ear[0]
            arousal = (1 - VOTES_WEIGH) * arousal + VOTES_WEIGH * by_ear[1]
        found[i] = np.clip((arousal, valence), -0.95, 0.95)
    return found
