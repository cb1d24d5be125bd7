"""Texts varied from others, for a teacher to judge: parts of them, words hidden or exchanged, two run together.

After Tang et al., Distilling Task-Specific Knowledge from BERT into Simple Neural Networks (2019), whose masking and
n-gram sampling these are. Nobody labels the result but the teacher, so a changed meaning does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

NEGATIONS: Final = ("not", "never", "no longer", "not at all", "hardly", "n't really")
DEGREES: Final = ("so", "very", "really", "extremely", "a bit", "slightly", "absolutely", "incredibly")
_COPULAS: Final = frozenset(
    {"am", "is", "are", "was", "were", "i'm", "im", "it's", "he's", "she's", "you're", "they're"}
)


def varied(texts: Sequence[str], seed: int) -> Iterator[str]:
    """One varied text for each text; follows from the seed alone."""
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
    """A negation or an adverb of degree put behind the first `is` or its like."""
    at = next(i for i, word in enumerate(words) if word.lower() in _COPULAS) + 1
    said = NEGATIONS if rng.random() < 0.5 else DEGREES
    return [*words[:at], said[int(rng.integers(len(said)))], *words[at:]]
