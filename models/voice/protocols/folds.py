"""The speaker-independent protocol: ten folds, in each of which speakers of all three corpora are held out.

RAVDESS: the five actor folds of Luna-Jiménez et al., Applied Sciences 12(1), 2021. CREMA-D: every fifth actor. EMO-DB:
one speaker a fold. The first five folds measure RAVDESS and CREMA-D; the others, which leave the same actors out
once more, EMO-DB alone.
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
"""The head with the project's labels, which learns from all corpora."""

SIZES: Final[dict[str, int]] = {**{corpus: len(names) for corpus, names in CLASSES.items()}, SHARED: len(LABELS)}
OUTPUTS: Final = sum(SIZES.values())


def head(name: str) -> slice:
    """Where a head's logits stand among the `OUTPUTS`."""
    start = 0
    for other, size in SIZES.items():
        if other == name:
            return slice(start, start + size)
        start += size
    raise KeyError(name)


FOLD_COUNT: Final = 10
FOLDS: Final[dict[str, int]] = {"RAVDESS": 5, "CREMA-D": 5, "EMO-DB": 10}

_RAVDESS: Final = (
    ("02", "05", "14", "15", "16"),
    ("03", "06", "07", "13", "18"),
    ("10", "11", "12", "19", "20"),
    ("08", "17", "21", "23", "24"),
    ("01", "04", "09", "22"),
)
_EMO_DB: Final = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")


def fold(corpus: str, speaker: str) -> int:
    """The fold that measures a speaker, 0…9. Raises `ValueError` for somebody who is in none."""
    if corpus == "CREMA-D":
        return (int(speaker) - 1001) % FOLDS[corpus]
    if corpus == "EMO-DB" and speaker in _EMO_DB:
        return _EMO_DB.index(speaker)
    if corpus == "RAVDESS":
        for number, speakers in enumerate(_RAVDESS):
            if speaker in speakers:
                return number
    raise ValueError(f"{corpus} has no speaker {speaker}")
