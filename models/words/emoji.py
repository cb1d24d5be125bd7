"""Texts with an emoji or emoticon at their end, labelled by what it stands for.

The corpora hold an emoji in one text of sixty, and a teacher that knows none: what Unicode's annotations say of
faces ("crying face", "nauseated face") is put in by rule. Texts are those of the training corpora with a single label.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from edge.emotions import LABELS
from models.words.corpora import Row

SIGNS: Final[dict[str, tuple[str, ...]]] = {
    "happiness": (*"😀😁😂🤣😃😄😅😆😊😋😍😘🙂🤗😎🎉❤💕😇", ":)", ":-)", ":D", "=)", "<3", "xD", ";)"),
    "anger": ("😡", "😤"),
    "sadness": (*"😢😭😞😔☹😥", ":(", ":-(", ":'(", ":(("),
    "fear": ("😱", "😰"),
    "surprise": ("😮", "😳"),
    "disgust": ("🤢", "🤮"),
}
"""By emotion, none of them rare in the corpora's vocabulary."""
SHARE: Final = 0.15
"""Of the texts, so many come back with a sign."""


def signed(rows: Sequence[Row], seed: int) -> Iterator[Row]:
    """Neutral texts with any sign, which decides; texts of an emotion with one of the same. Follows from the seed."""
    rng = np.random.default_rng(seed)
    emotions = list(SIGNS)
    for text, labels in rows:
        if len(labels) != 1 or rng.random() >= SHARE:
            continue
        label = labels[0]
        meant = emotions[int(rng.integers(len(emotions)))] if label == "neutral" else label
        assert meant in LABELS
        signs = SIGNS[meant]
        sign = signs[int(rng.integers(len(signs)))]
        yield f"{text} {sign}" if rng.random() < 0.85 else f"{sign} {text}", (meant,)
