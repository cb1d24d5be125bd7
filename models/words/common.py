"""`python -m models.words.common --data DIR`: extracts word lists from the training corpora.

The most frequent words go to `edge/words/common.txt`; by their share in a text the words sense recognises English. The
words that occur at least twice go to `edge/words/vocabulary.txt`; they are the vocabulary of the model.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from edge.words import coverage, features
from edge.words.text import tokens
from models.corpora import add_data_option, require
from models.words import data


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m models.words.common", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--count", type=int, default=1000, help="words to keep (%(default)s)")
    parser.add_argument("--out", type=Path, default=coverage.FILE)
    arguments = parser.parse_args()
    folder = require(arguments.data, "text/goemotions").parent.parent
    every = Counter(token for text in data.training_texts(folder) for token in tokens(text))
    counts = Counter({token: count for token, count in every.items() if token[0].isalpha()})
    words = sorted(word for word, _ in counts.most_common(arguments.count))
    arguments.out.write_text("\n".join(words) + "\n", encoding="utf-8")
    known = sorted(token for token, count in every.items() if count > 1)
    features.FILE.write_text("\n".join(known) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
