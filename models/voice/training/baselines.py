"""Baselines of speakers for training: the mean features of other utterances, of few or many and of skewed mixtures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.baseline import trust

COUNTS: Final = (1, 2, 3, 4, 6, 8, 12, 20, 30)
"""Numbers of utterances in a baseline."""
SKEWS: Final = (0.3, 1.0, 5.0)
"""Concentrations of the Dirichlet distribution from which a baseline's mixture of emotions is drawn."""
ONE_CLASS: Final = 0.1
"""Probability that all utterances of a baseline are of one emotion."""
ABSENT: Final = 0.35
"""Probability that a clip is shown without a baseline."""
PER_SPEAKER: Final = 24
"""Baselines of each speaker that are drawn at once."""


@dataclass(frozen=True)
class Pool:
    """Baselines of all speakers, drawn for one epoch."""

    means: NDArray[np.float32]
    """(m, d) mean features."""
    counts: NDArray[np.int64]
    """(m,) number of utterances in each."""
    members: tuple[frozenset[int], ...]
    """Rows in each."""
    of: dict[int, NDArray[np.int64]]
    """Speaker → indices of the speaker's baselines."""

    def draw(
        self, row: int, speaker: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.float32] | None, float]:
        """A baseline for one clip and its trust; (None, 0) in `ABSENT` of all cases.

        Args:
            row: Row of the clip, which is never part of its own baseline.
            speaker: Number of its speaker.
            rng: Source of randomness.
        """
        if rng.random() < ABSENT or speaker not in self.of:
            return None, 0.0
        for index in rng.permutation(self.of[speaker])[:4]:
            if row not in self.members[index]:
                return self.means[index], trust(int(self.counts[index]))
        return None, 0.0


def pool(
    features: NDArray[np.floating], speakers: NDArray[np.int64], classes: NDArray[np.int64], rng: np.random.Generator
) -> Pool:
    """Draws `PER_SPEAKER` baselines of each speaker who has at least three utterances.

    Args:
        features: (n, d) features of the clips.
        speakers: (n,) numbers of the speakers, distinct over all corpora.
        classes: (n,) acted classes; only clips of one speaker are compared.
        rng: Source of randomness.
    """
    means, counts, members, of = [], [], [], {}
    for speaker in np.unique(speakers):
        rows = np.flatnonzero(speakers == speaker)
        if len(rows) < 3:
            continue
        begin = len(means)
        kinds = np.unique(classes[rows])
        for _ in range(PER_SPEAKER):
            share = rng.dirichlet(np.full(len(kinds), rng.choice(SKEWS)))
            if rng.random() < ONE_CLASS:
                share = (np.arange(len(kinds)) == rng.integers(len(kinds))).astype(float)
            weight = share[np.searchsorted(kinds, classes[rows])]
            weight = weight / np.bincount(np.searchsorted(kinds, classes[rows]))[np.searchsorted(kinds, classes[rows])]
            weight += 1e-9
            count = min(int(rng.choice(COUNTS)), len(rows) // 2)
            chosen = rng.choice(rows, count, replace=False, p=weight / weight.sum())
            means.append(features[chosen].astype(np.float32).mean(0))
            counts.append(count)
            members.append(frozenset(chosen.tolist()))
        of[int(speaker)] = np.arange(begin, len(means))
    return Pool(np.stack(means), np.array(counts), tuple(members), of)
