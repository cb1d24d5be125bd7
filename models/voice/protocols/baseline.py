"""The protocol of a known speaker: each utterance is read with the mean embedding of n others of the same speaker."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.baseline import trust

COUNTS: Final = (0, 1, 3, 8, 20)
"""Numbers of utterances in the baselines that are measured; 0 is a speaker of whom nothing is known."""
SEED: Final = 11
"""Seed of the choice of utterances."""


def baselines(
    embeddings: NDArray[np.float32], speakers: NDArray[np.int64], count: int, seed: int = SEED
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Baselines of `count` other utterances, whatever their emotion; of fewer where the speaker has fewer.

    Args:
        embeddings: (n, e) embeddings of all utterances of the measured speakers.
        speakers: (n,) numbers of their speakers.
        count: Utterances in a baseline; 0 gives zeros.
        seed: Seed of the choice.

    Returns:
        (n, e) mean embeddings and (n, 1) trust.
    """
    means, trusts = np.zeros_like(embeddings), np.zeros((len(embeddings), 1), np.float32)
    if count == 0:
        return means, trusts
    rng = np.random.default_rng((seed, count))
    for speaker in np.unique(speakers):
        rows = np.flatnonzero(speakers == speaker)
        for place, row in enumerate(rows):
            others = np.delete(rows, place)
            chosen = rng.choice(others, min(count, len(others)), replace=False)
            if len(chosen):
                means[row] = embeddings[chosen].mean(0)
                trusts[row] = trust(len(chosen))
    return means, trusts
