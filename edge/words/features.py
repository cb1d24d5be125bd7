"""Maps tokens to the vocabulary ids that are the words model's input.

A word that is negated or overridden has another id than the word alone, as in Pang et al. (EMNLP 2002): the vocabulary
is repeated for each mark of `edge.words.scope`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.words.scope import MARKS, marks

FILE: Final = Path(__file__).with_name("vocabulary.txt")
"""The words that occur at least twice in the training corpora (`python -m models.words.common`)."""

LENGTH: Final = 32
"""Number of ids per text: those of its last words, padded at the front."""
PADDING, UNKNOWN, FIRST = 0, 1, 2
"""Ids of padding, of a word outside the vocabulary, and of the first word of the vocabulary."""
_EMOJI_SYNONYMS: Final = {
    **dict.fromkeys("😠🤬👿💢", "😡"),
    **dict.fromkeys("😿💔🥺", "😢"),
    **dict.fromkeys("😨🙀", "😱"),
    **dict.fromkeys("😲😯🤯", "😮"),
    **dict.fromkeys("🥰😻", "😍"),
    "🙁": "☹",
    "🥳": "🎉",
}
"""Rare emoji → common emoji of the same meaning."""
_SUFFIXES: Final = ("'s", "s", "es", "ed", "d", "ing", "ly", "er", "est", "y", "ness")
"""Suffixes that are removed from an unknown word to find its stem in the vocabulary."""


@lru_cache
def vocabulary() -> dict[str, int]:
    """Word → id."""
    return {word: number for number, word in enumerate(FILE.read_text(encoding="utf-8").split("\n")[:-1], FIRST)}


@lru_cache
def front_end() -> dict[str, Any]:
    """The description of this front end in a model card; it identifies the vocabulary by its checksum."""
    crc = zlib.crc32(FILE.read_bytes())
    return {"name": "words", "length": LENGTH, "words": len(vocabulary()), "crc32": crc, "marks": MARKS}


@lru_cache
def size() -> int:
    """Number of ids of one mark: those of the vocabulary, padding and unknown words."""
    return FIRST + len(vocabulary())


def ids(tokens: Sequence[str]) -> NDArray[np.int32]:
    """(32,) int32 ids of the last 32 tokens, padded at the front.

    An id is that of the word plus the mark (0…3, `edge.words.scope`) times `size()`.
    """
    row = np.zeros(LENGTH, np.int32)
    kept = tokens[-LENGTH:]
    if kept:
        found = marks(tokens)[-LENGTH:]
        row[-len(kept) :] = [number(token) + mark * size() for token, mark in zip(kept, found, strict=True)]
    return row


def number(token: str) -> int:
    """The id of a token; if it is not in the vocabulary, that of its stem or of an emoji of the same meaning."""
    known = vocabulary()
    token = _EMOJI_SYNONYMS.get(token, token)
    if token in known:
        return known[token]
    stems = (token[: -len(ending)] for ending in _SUFFIXES if token.endswith(ending) and len(token) > len(ending) + 2)
    return next((known[stem] for stem in stems if stem in known), UNKNOWN)
