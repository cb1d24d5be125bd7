"""Tokens to the integers that the words model looks up: hashed words, word pairs and word stems.

The hashing trick (Weinberger et al., Feature Hashing for Large Scale Multitask Learning, ICML 2009), so that no
vocabulary travels with the model. The hash is CRC-32, the same everywhere.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

LENGTH: Final = 40
"""Positions; of a longer text the first half and the last half are kept, for feelings stand at the ends."""
KINDS: Final = 3
WORDS, PAIRS, STEMS = 8192, 6144, 2048
BUCKETS: Final = 1 + WORDS + PAIRS + STEMS
"""Rows of the embedding; row 0 is padding."""
STEM: Final = 5
"""Letters of a stem."""

FRONT_END: Final = {
    "name": "hashed3",
    "length": LENGTH,
    "words": WORDS,
    "pairs": PAIRS,
    "stems": STEMS,
    "stem": STEM,
    "hash": "crc32",
}
"""How a card names this front end."""


def ids(tokens: Sequence[str]) -> NDArray[np.int32]:
    """(40, 3) int32: at each position the bucket of the word, of the pair with the word before, of the stem."""
    if len(tokens) > LENGTH:
        tokens = [*tokens[: LENGTH // 2], *tokens[-(LENGTH - LENGTH // 2) :]]
    table = np.zeros((LENGTH, KINDS), np.int32)
    before = "<start>"
    for i, token in enumerate(tokens):
        table[i] = (
            1 + word_bucket(token),
            1 + WORDS + _hash(f"{before} {token}") % PAIRS,
            1 + WORDS + PAIRS + _hash(f"{token[:STEM]}*") % STEMS,
        )
        before = token
    return table


def word_bucket(token: str) -> int:
    """0…`WORDS` − 1."""
    return _hash(token) % WORDS


def _hash(text: str) -> int:
    return zlib.crc32(text.encode("utf-8"))
