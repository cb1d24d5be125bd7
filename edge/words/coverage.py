"""How much of a text the words model can have known: the share of frequent English words in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("common.txt")
"""The 1,000 most frequent words of the training corpora (`python -m models.words.common`)."""

_FULL: Final = 0.5
"""Share of frequent words from which a text counts as plain English: nineteen in twenty texts of GoEmotions dev have
more."""


@lru_cache
def common_words() -> frozenset[str]:
    return frozenset(FILE.read_text(encoding="utf-8").split())


def coverage(tokens: Sequence[str]) -> float:
    """0…1 for tokens of `edge.words.text.tokens`; 1 where there are no words, only emoji and marks."""
    words = [token for token in tokens if token[0].isalpha()]
    if not words:
        return 1.0
    known = sum(word in common_words() for word in words)
    return float(min(1.0, known / len(words) / _FULL) ** 2)
