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
PER_SPEAKER: Final = 10
"""Baselines of each speaker that are drawn at once."""


@dataclass(frozen=True)
class Pool:
    """Baselines of all s speakers, drawn for one epoch."""

    means: NDArray[np.float32]
    """(s, `PER_SPEAKER`, d) mean features."""
    trusts: NDArray[np.float32]
    """(s, `PER_SPEAKER`) trust in each."""
    members: NDArray[np.int64]
    """(s, `PER_SPEAKER`, 30) rows in each, filled up with −1."""

    def draw(
        self, rows: NDArray[np.int64], speakers: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A baseline for each clip, which is never part of it; none in `ABSENT` of all cases.

        Args:
            rows: (b,) rows of the clips.
            speakers: (b,) numbers of their speakers.
            rng: Source of randomness.

        Returns:
            (b, d) mean features and (b, 1) trust; zeros where there is no baseline.
        """
        chosen = rng.integers(PER_SPEAKER, size=len(rows))
        for _ in range(3):
            within = (self.members[speakers, chosen] == rows[:, None]).any(1)
            chosen = np.where(within, rng.integers(PER_SPEAKER, size=len(rows)), chosen)
        within = (self.members[speakers, chosen] == rows[:, None]).any(1)
        given = (rng.random(len(rows)) >= ABSENT) & ~within & (self.trusts[speakers, chosen] > 0)
        means = self.means[speakers, chosen] * given[:, None].astype(np.float32)
        return means, (self.trusts[speakers, chosen] * given)[:, None].astype(np.float32)


def pool(
    features: NDArray[np.floating], speakers: NDArray[np.int64], classes: NDArray[np.int64], rng: np.random.Generator
) -> Pool:
    """Draws `PER_SPEAKER` baselines of each speaker; speakers with fewer than three utterances have none.

    Args:
        features: (n, d) features of the clips.
        speakers: (n,) numbers of the speakers, 0…s − 1.
        classes: (n,) acted classes; only clips of one speaker are compared.
        rng: Source of randomness.
    """
    people = int(speakers.max()) + 1
    means = np.zeros((people, PER_SPEAKER, features.shape[1]), np.float32)
    trusts = np.zeros((people, PER_SPEAKER), np.float32)
    members = np.full((people, PER_SPEAKER, max(COUNTS)), -1)
    for speaker in range(people):
        rows = np.flatnonzero(speakers == speaker)
        if len(rows) < 3:
            continue
        _, kinds, sizes = np.unique(classes[rows], return_inverse=True, return_counts=True)
        for number in range(PER_SPEAKER):
            mixture = rng.dirichlet(np.full(len(sizes), rng.choice(SKEWS)))
            if rng.random() < ONE_CLASS:
                mixture = np.eye(len(sizes))[rng.integers(len(sizes))]
            weight = (mixture / sizes)[kinds] + 1e-9
            count = min(int(rng.choice(COUNTS)), len(rows) // 2)
            # The largest of log-weights with Gumbel noise are a sample without replacement.
            chosen = rows[np.argpartition(-np.log(weight) - rng.gumbel(size=len(rows)), count - 1)[:count]]
            means[speaker, number] = features[chosen].astype(np.float32).mean(0)
            trusts[speaker, number] = trust(count)
            members[speaker, number, :count] = chosen
    return Pool(means, trusts, members)
