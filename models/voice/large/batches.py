"""Batches for the head: clips of all corpora alike, with a baseline or without, mixed, and moved between speakers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from models import training
from models.voice.data import NONE
from models.voice.large.features import Material
from models.voice.protocols.folds import OUTPUTS, SHARED, SIZES, head
from models.voice.training import baselines
from models.voice.training.heads import SMOOTHING
from models.voice.utterances import Utterances

BATCH: Final = 256
"""Clips per batch."""
STEPS: Final = 40
"""Batches per epoch."""
SHARES: Final = {"RAVDESS": 0.25, "CREMA-D": 0.3, "EMO-DB": 0.15, "nEMO": 0.22, "TESS": 0.08}
"""Share of each corpus in a batch: alike, but less of TESS, which has two voices."""
CLEAN: Final = 0.4
"""Probability that a clip is shown unchanged."""
MOVED: Final = 0.3
"""Probability that clip and baseline are moved towards another speaker's mean."""
MIXUP_SHARE: Final = 0.5
"""Share of the rows of a batch that are mixed with another row."""
MIXUP: Final = 0.4
"""Both parameters of the beta distribution of the mixing weight."""


def targets(spoken: Utterances) -> NDArray[np.float32]:
    """(n, `OUTPUTS`) targets: smoothed distributions in the heads that a clip trains, zeros in the others."""
    found = np.zeros((len(spoken), OUTPUTS), np.float32)
    for name, size in SIZES.items():
        index = spoken.labels if name == SHARED else np.where(spoken.corpora == name, spoken.classes, NONE)
        rows = np.flatnonzero(index != NONE)
        part = found[:, head(name)]
        part[rows] = SMOOTHING / size
        part[rows, index[rows]] += 1 - SMOOTHING
    return found


def chances(spoken: Utterances) -> NDArray[np.float64]:
    """(n,) probabilities of the clips: `SHARES` of the corpora, and within a corpus every class alike."""
    found = np.zeros(len(spoken))
    for corpus in np.unique(spoken.corpora):
        of = spoken.corpora == corpus
        names, count = np.unique(spoken.names[of], return_counts=True)
        weight = dict(zip(names.tolist(), count.astype(float) ** -0.7, strict=True))
        found[of] = [weight[name] for name in spoken.names[of].tolist()]
        found[of] *= SHARES[str(corpus)] / found[of].sum()
    return np.asarray(found / found.sum())


class Batches(training.Batches):
    """Inputs (statistics, baseline of statistics, trust), targets of all heads, and arousal and valence."""

    def __init__(self, material: Material, which: NDArray[np.bool_], seed: int) -> None:
        """Prepares the first epoch.

        Args:
            material: All n clips.
            which: (n,) clips that train.
            seed: Seed of everything.
        """
        shown = material.shown
        self._rows = np.flatnonzero(which)
        self._spoken = material.spoken.rows(self._rows)
        self._chances = chances(self._spoken)
        clips = shown.clips[self._rows]
        self._shown = [clips.astype(np.float16)]
        self._has = [np.ones(len(clips), bool)]
        for variant in shown.variants:
            values = variant[self._rows]
            self._has.append(np.asarray(values.any(1)))
            self._shown.append(np.where(self._has[-1][:, None], values, self._shown[0]))
        kept = which[shown.owners]
        self._windows = shown.windows[kept]  # in the order of the clips
        self._many = np.bincount((np.cumsum(which) - 1)[shown.owners[kept]], minlength=len(self._rows))
        self._first = np.cumsum(self._many) - self._many
        self._targets, self._affect = targets(self._spoken), material.affect[self._rows]
        speakers = np.unique(self._spoken.speakers)
        self._means = np.stack([clips[self._spoken.speakers == speaker].mean(0) for speaker in speakers])
        self._speaker = np.searchsorted(speakers, self._spoken.speakers)
        _, self._kinds = np.unique(self._spoken.names, return_inverse=True)
        super().__init__(BATCH * STEPS, BATCH, seed)

    def start(self, epoch: int) -> None:
        """Draws the clips and the baselines of an epoch, counted from 0."""
        super().start(epoch)
        rng = np.random.default_rng((self._seed, epoch, 1))
        self._drawn = rng.choice(len(self._spoken), len(self._order), p=self._chances)
        self._pools = [baselines.pool(one, self._speaker, self._kinds, rng) for one in self._shown]

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        return np.arange(BATCH * STEPS)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        rows = self._drawn[rows]
        count = len(self._shown) - 1
        share = [CLEAN, *([(1 - CLEAN) / count] * count)] if count else [1.0]
        variants = rng.choice(len(self._shown), len(rows), p=share)
        variants[~np.stack(self._has)[variants, rows]] = 0
        values = np.empty((len(rows), self._windows.shape[1]), np.float32)
        base, trusts = np.zeros_like(values), np.zeros((len(rows), 1), np.float32)
        for number, pool in enumerate(self._pools):
            at = np.flatnonzero(variants == number)
            if number:
                values[at] = self._shown[number][rows[at]]
            else:
                begin, many = self._first[rows[at]], self._many[rows[at]]
                values[at] = self._windows[begin + (rng.random(len(at)) * many).astype(np.int64)]
            base[at], trusts[at] = pool.draw(rows[at], self._speaker[rows[at]], rng)
        moved = (rng.random(len(rows)) < MOVED) * rng.random(len(rows))
        away = self._means[rng.integers(len(self._means), size=len(rows))] - self._means[self._speaker[rows]]
        away *= moved[:, None].astype(np.float32)
        values += away
        base += away
        mixed = rng.random(len(rows)) < MIXUP_SHARE
        share_of = np.where(mixed, rng.beta(MIXUP, MIXUP, len(rows)), 1.0).astype(np.float32)[:, None]
        other = rng.permutation(len(rows))

        def mix(one: NDArray[np.float32]) -> NDArray[np.float32]:
            return share_of * one + (1 - share_of) * one[other]

        # What is mixed is each clip relative to its speaker; the baseline of the first stays.
        known = trusts > 0
        relative = np.where(known, values - base, values)
        comparable = known == known[other]
        share_of = np.where(comparable, share_of, 1.0).astype(np.float32)
        values = mix(relative) + np.where(known, base, 0)
        return (values, base, trusts), (mix(self._targets[rows]), mix(self._affect[rows]))
