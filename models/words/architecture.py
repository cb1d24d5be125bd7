"""The words net: one of those that `models.words.study` compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from edge.words.features import FIRST, vocabulary
from models.words.study.nets import NETS
from models.words.study.vectors import Vocabulary, chance, glove


def build(name: str, vectors: Path | None = None, seed: int = 2013) -> Any:
    """(1, 32) int32 word numbers → (1, 7) logits, one a label, each for a sigmoid of its own.

    `name`: of `NETS`. `vectors`: GloVe's folder, from which the word vectors begin; none: by chance. Raises
    `ConfigError`, `MissingExtraError`.
    """
    words = Vocabulary(tuple(vocabulary()), vocabulary())
    assert words.size == FIRST + len(vocabulary())
    return NETS[name](glove(words, vectors, seed)[0] if vectors else chance(words, seed))
