"""Tokens to the integers that the words model looks up: numbers of a vocabulary of words."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

FILE: Final = Path(__file__).with_name("vocabulary.txt")
"""The words that occur twice and more in the training corpora (`python -m models.words.common`)."""

LENGTH: Final = 32
"""Words of a text: the last ones, after padding in front."""
PADDING, UNKNOWN, FIRST = 0, 1, 2
"""What stands for no word, for one that is not known, and for the first that is."""
_ALIKE: Final = {
    **dict.fromkeys("😠🤬👿💢", "😡"),
    **dict.fromkeys("😿💔🥺", "😢"),
    **dict.fromkeys("😨🙀", "😱"),
    **dict.fromkeys("😲😯🤯", "😮"),
    **dict.fromkeys("🥰😻", "😍"),
    "🙁": "☹",
    "🥳": "🎉",
}
"""Rare emoji, and common ones that stand for the same."""
_ENDINGS: Final = ("'s", "s", "es", "ed", "d", "ing", "ly", "er", "est", "y", "ness")


@lru_cache
def vocabulary() -> dict[str, int]:
    """Words to numbers."""
    return {word: number for number, word in enumerate(FILE.read_text(encoding="utf-8").split("\n")[:-1], FIRST)}


@lru_cache
def front_end() -> dict[str, Any]:
    """How a card names this front end: another vocabulary is another one."""
    return {"name": "words", "length": LENGTH, "words": len(vocabulary()), "crc32": zlib.crc32(FILE.read_bytes())}


def ids(tokens: Sequence[str]) -> NDArray[np.int32]:
    """(32,) int32: the number of each word."""
    row = np.zeros(LENGTH, np.int32)
    kept = tokens[-LENGTH:]
    if kept:
        row[-len(kept) :] = [number(token) for token in kept]
    return row


def number(token: str) -> int:
    """Of a word; of one that it comes from, or an emoji that it resembles, where that alone is known."""
    known = vocabulary()
    token = _ALIKE.get(token, token)
    if token in known:
        return known[token]
    stems = (token[: -len(ending)] for ending in _ENDINGS if token.endswith(ending) and len(token) > len(ending) + 2)
    return next((known[stem] for stem in stems if stem in known), UNKNOWN)
