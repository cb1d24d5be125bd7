"""Varies texts for a teacher to label: excerpts, exchanged words, negations, and two texts joined.

After Tang et al., Distilling Task-Specific Knowledge from BERT into Simple Neural Networks (2019), whose masking and
n-gram sampling are used. The teacher labels the results, so a change of meaning does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

NEGATIONS: Final = ("not", "never", "no longer", "not at all", "hardly", "n't really")
"""Negations that are inserted after a form of "to be"."""
DEGREES: Final = ("so", "very", "really", "extremely", "a bit", "slightly", "absolutely", "incredibly")
"""Adverbs of degree that are inserted after a form of "to be"."""
_COPULAS: Final = frozenset(
    {"am", "is", "are", "was", "were", "i'm", "im", "it's", "he's", "she's", "you're", "they're"}
)
"""Forms of "to be" after which a word is inserted."""


def varied(texts: Sequence[str], seed: int) -> Iterator[str]:
    """One variation of each text; the same seed gives the same result."""
    rng = np.random.default_rng(seed)
    vocabulary = [word for text in texts for word in text.split()]
    for text in texts:
        words = text.split()
        kind = rng.random()
        if kind < 0.35 and len(words) > 5:
            length = int(rng.integers(3, len(words)))
            start = int(rng.integers(0, len(words) - length + 1))
            words = words[start : start + length]
        elif kind < 0.5:
            other = texts[int(rng.integers(len(texts)))].split()
            words = [*words[-12:], *other[:12]]
        elif kind < 0.75 and any(word.lower() in _COPULAS for word in words):
            words = _after_copula(words, rng)
        exchanged = rng.random(len(words)) < 0.1
        yield " ".join(
            vocabulary[int(rng.integers(len(vocabulary)))] if change else word
            for word, change in zip(words, exchanged, strict=True)
        )


def _after_copula(words: list[str], rng: np.random.Generator) -> list[str]:
    """Inserts a negation or an adverb of degree after the first form of "to be"."""
    at = next(i for i, word in enumerate(words) if word.lower() in _COPULAS) + 1
    insertions = NEGATIONS if rng.random() < 0.5 else DEGREES
    return [*words[:at], insertions[int(rng.integers(len(insertions)))], *words[at:]]
