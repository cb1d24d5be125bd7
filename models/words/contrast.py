"""Training sentences of two clauses in contrast, of which one prevails, joined from sentences of the corpora.

In "…, but …" the second clause says what the speaker means in the end, and in "although …, …" the main clause does
(Polanyi & Zaenen, Contextual Valence Shifters, 2006). Corpora label few such comments, and each by all of its clauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.words.scope import OVERRIDDEN, marks
from edge.words.text import tokens
from models.words.corpora import Row
from models.words.negation import Soft

_SHORTEST, _LONGEST = 3, 11
"""Minimum and maximum number of tokens of a clause."""
_CLEAR: Final = 0.55
"""Minimum probability that a reader gives the label of a clause, so that its sentence alone says it."""
_PREVAILS, _YIELDS = 0.95, 0.1
"""Targets of the labels of the clause that prevails and of the other."""
_ENDS: Final = ".!?… "
"""Characters that are removed from the end of a clause."""


def joined(rows: Sequence[Row], posterior: NDArray[np.float64], count: int, seed: int) -> Iterator[Soft]:
    """Two clauses of different labels in contrast; each combination of labels occurs equally often.

    Args:
        rows: Texts with their labels.
        posterior: (n, 7) probabilities that a reader gives to the texts.
        count: Number of sentences.
        seed: The same seed gives the same sentences.
    """
    rng = np.random.default_rng(seed)
    clauses: list[list[str]] = [[] for _ in range(COUNT)]
    for (text, labels), row in zip(rows, posterior, strict=True):
        number = LABELS.index(labels[0])
        found = tokens(text)
        short = _SHORTEST <= len(found) <= _LONGEST and len(labels) == 1 and row[number] >= _CLEAR
        if short and not any(mark & OVERRIDDEN for mark in marks([*found, "but", "x"])[len(found) :]):
            clauses[number].append(text.strip().rstrip(_ENDS))
    for _ in range(count):
        yields, prevails = (int(label) for label in rng.choice(COUNT, 2, replace=False))
        first, second = _one(clauses[yields], rng), _one(clauses[prevails], rng)
        targets = {LABELS[prevails]: _PREVAILS, LABELS[yields]: _YIELDS}
        yield _sentence(first, second, rng), targets


def _sentence(yields: str, prevails: str, rng: np.random.Generator) -> str:
    """Both clauses with a connective, as people write, or as a speech recogniser does, without marks."""
    first, second = _inner(yields), _inner(prevails)
    text = _one(
        [
            *[f"{yields}, but {second}"] * 6,
            *[f"{yields}, but then {second}", f"{yields}. But {second}", f"{yields}, yet {second}"],
            *[f"{yields}. However, {second}", f"although {first}, {second}", f"even though {first}, {second}"],
            *[f"{prevails}, although {first}", f"{prevails} even though {first}", f"{prevails}, though {first}"],
        ],
        rng,
    )
    return text if rng.random() < 0.6 else " ".join(word for word in tokens(text) if word[0].isalpha())


def _inner(clause: str) -> str:
    """A clause within a sentence: without its capital, unless a word is all capitals or "I"."""
    first = clause.split(" ", 1)[0]
    return clause if first in {"I", "I'm"} or first.isupper() else clause[0].lower() + clause[1:]


def _one(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
