"""The speaker-independent protocol: ten folds, each of which holds out speakers of all three corpora.

RAVDESS: the five actor folds of Luna-Jiménez et al., Applied Sciences 12(1), 2021. CREMA-D: every fifth actor. EMO-DB:
one speaker per fold. The first five folds measure all three corpora; the other five hold out the same actors again and
measure EMO-DB only.
"""

from __future__ import annotations

from typing import Final

from edge.emotions import LABELS

CLASSES: Final[dict[str, tuple[str, ...]]] = {
    "RAVDESS": ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"),
    "CREMA-D": ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD"),
    "EMO-DB": ("W", "L", "E", "A", "F", "T", "N"),
}
"""Each corpus's own classes, in the order of its head."""

SHARED: Final = "seven"
"""Name of the head with the project's seven labels, which learns from all corpora."""

SIZES: Final[dict[str, int]] = {**{corpus: len(names) for corpus, names in CLASSES.items()}, SHARED: len(LABELS)}
"""Number of outputs of each head."""
OUTPUTS: Final = sum(SIZES.values())
"""Number of outputs of all heads together."""


def head(name: str) -> slice:
    """Position of a head's logits among the `OUTPUTS`. Raises `KeyError` for an unknown head."""
    start = 0
    for other, size in SIZES.items():
        if other == name:
            return slice(start, start + size)
        start += size
    raise KeyError(name)


FOLD_COUNT: Final = 10
"""Number of folds."""
FOLDS: Final[dict[str, int]] = {"RAVDESS": 5, "CREMA-D": 5, "EMO-DB": 10}
"""Number of folds into which the speakers of each corpus are divided."""

_RAVDESS: Final = (
    ("02", "05", "14", "15", "16"),
    ("03", "06", "07", "13", "18"),
    ("10", "11", "12", "19", "20"),
    ("08", "17", "21", "23", "24"),
    ("01", "04", "09", "22"),
)
"""Held-out RAVDESS actors of each fold."""
_EMO_DB: Final = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
"""Held-out EMO-DB speaker of each fold."""


def fold(corpus: str, speaker: str) -> int:
    """Number of the fold that measures a speaker, 0…9. Raises `ValueError` for an unknown speaker."""
    if corpus == "CREMA-D":
        return (int(speaker) - 1001) % FOLDS[corpus]
    if corpus == "EMO-DB" and speaker in _EMO_DB:
        return _EMO_DB.index(speaker)
    if corpus == "RAVDESS":
        for number, speakers in enumerate(_RAVDESS):
            if speaker in speakers:
                return number
    raise ValueError(f"{corpus} has no speaker {speaker}")
