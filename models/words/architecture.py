"""The words network, one of those that `models.words.study` compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.words.features import FIRST, vocabulary
from models.words.study.nets import NETS
from models.words.study.vectors import Vocabulary, chance, glove


def build(name: str, vectors: Path | None = None, seed: int = 2013) -> Any:
    """Network (1, 32) int32 ids of `edge.words.features` → (1, 7) logits, one per label, each for its own sigmoid.

    Args:
        name: One of `NETS`.
        vectors: Folder of GloVe, whose vectors initialise the embedding; None initialises it at random.
        seed: Seed of the random vectors.

    Raises:
        ConfigError: The folder does not contain GloVe.
        MissingExtraError: The library that reads GloVe's index is not installed.
    """
    words = Vocabulary(tuple(vocabulary()), vocabulary())
    assert words.size == FIRST + len(vocabulary())
    return NETS[name](glove(words, vectors, seed)[0] if vectors else chance(words, seed), marked=True)
