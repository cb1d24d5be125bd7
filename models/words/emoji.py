"""Training texts with an added emoji or emoticon, labelled by its meaning.

Only one text in sixty of the corpora contains an emoji, and the teacher knows no emoji at all, so the meaning that
Unicode's annotations give to faces ("crying face", "nauseated face") is added by rule. The texts are those of the
training corpora with a single label.
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
"""Emoji and emoticons of each emotion; all of them are frequent in the corpora's vocabulary."""
SHARE: Final = 0.15
"""Share of the texts that are returned with a sign."""


def signed(rows: Sequence[Row], seed: int) -> Iterator[Row]:
    """Adds signs to a sample of the texts; the same seed gives the same result.

    A neutral text gets any sign, which determines its label. A text with an emotion gets a sign of the same emotion.
    """
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
