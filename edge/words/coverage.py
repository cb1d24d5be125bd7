"""Vocabulary coverage: the share of frequent English words in a text, which shows how well the model can read it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("common.txt")
"""The 1,000 most frequent words of the training corpora (`python -m models.words.common`)."""

_FULL_COVERAGE_SHARE: Final = 0.5
"""Share of frequent words from which a text counts as plain English; 95 % of the texts of GoEmotions dev exceed it."""


@lru_cache
def common_words() -> frozenset[str]:
    """The words in `FILE`."""
    return frozenset(FILE.read_text(encoding="utf-8").split())


def coverage(tokens: Sequence[str]) -> float:
    """Coverage, 0…1, of tokens from `edge.words.text.tokens`; 1 if they are only emoji and marks."""
    words = [token for token in tokens if token[0].isalpha()]
    if not words:
        return 1.0
    known = sum(word in common_words() for word in words)
    return float(min(1.0, known / len(words) / _FULL_COVERAGE_SHARE) ** 2)
