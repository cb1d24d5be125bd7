"""Batches of the small voice network: several clips of each of some speakers, with baselines, mixup and the teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.baseline import trust
from edge.voice.packed import packed
from edge.voice.standardizer import Standardizer
from models import training
from models.voice.data import LEVELS
from models.voice.small.net import STEPS
from models.voice.small.teacher import Teacher
from models.voice.small.variants import SHARES, Material

SPEAKERS: Final = 12
"""Speakers in a batch."""
CLIPS: Final = 10
"""Clips of each speaker in a batch."""
BATCH: Final = SPEAKERS * CLIPS
"""Clips in a batch."""
EPOCH: Final = 50
"""Batches in an epoch."""
WEIGHTS: Final = {"RAVDESS": 0.22, "CREMA-D": 0.46, "EMO-DB": 0.15, "nEMO": 0.11, "TESS": 0.06}
"""Share of each corpus's speakers in the batches: between alike and by number of voices."""
ABSENT: Final = 0.35
"""Probability that a clip is shown without a baseline."""
ONE_CLASS: Final = 0.3
"""Probability that all utterances of a baseline are of one emotion, if there are two such clips in the batch."""
MIXUP_SHARE: Final = 0.5
"""Share of the rows of a batch that are mixed with another row."""
MIXUP: Final = 0.4
"""Both parameters of the beta distribution of the mixing weight."""
NOISE: Final = 0.1
"""Standard deviation of the noise added to standardised functionals."""

_Array = NDArray[np.float32]


@dataclass(frozen=True)
class Lesson:
    """What a network learns: k of the n clips of the material."""

    material: Material
    """All clips."""
    rows: NDArray[np.int64]
    """(k,) rows of the clips that the network learns."""
    targets: _Array
    """(k, outputs) targets of the heads."""
    affect: _Array
    """(k, 2) arousal and valence, −1…1."""
    teacher: Teacher
    """The teacher's features of all clips."""
    standard: Standardizer
    """Mean and deviation of the functionals of the clips that the network learns."""


class Batches(training.Batches):
    """Batches for `models.voice.small.net.student`; the order is drawn by corpus, then speaker, then clip."""

    def __init__(self, lesson: Lesson, seed: int) -> None:
        """`seed`: of order, variants, augmentation, baselines and mixup."""
        self._lesson = lesson
        names, speaker = np.unique(lesson.material.spoken.speakers[lesson.rows], return_inverse=True)
        self._of = [np.flatnonzero(speaker == one) for one in range(len(names))]
        corpora = [str(lesson.material.spoken.corpora[lesson.rows[of[0]]]) for of in self._of]
        weight = np.array([WEIGHTS[corpus] / corpora.count(corpus) for corpus in corpora])
        self._weights = weight / weight.sum()
        self._speaker = speaker
        super().__init__(len(lesson.rows), BATCH, seed)

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Places in `Lesson.rows` of one epoch: `CLIPS` of each of `SPEAKERS` speakers for each batch."""
        drawn = rng.choice(len(self._of), EPOCH * SPEAKERS, p=self._weights)
        return np.concatenate([rng.choice(self._of[one], CLIPS, replace=len(self._of[one]) < CLIPS) for one in drawn])

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Inputs and targets of the places `rows` in the lesson."""
        lesson, shown = self._lesson, self._lesson.rows[rows]
        variant = rng.choice(len(SHARES), len(rows), p=SHARES)
        mels = np.stack([lesson.material.mels[v][i] for v, i in zip(variant, shown, strict=True)])
        values = np.stack([lesson.material.functionals[v][i] for v, i in zip(variant, shown, strict=True)])
        times = np.stack([lesson.material.times[v][i] for v, i in zip(variant, shown, strict=True)])
        sounding = mels.reshape(len(rows), STEPS, -1).max(2) > 0
        values = lesson.standard.apply(values) + NOISE * rng.standard_normal(values.shape, np.float32)
        features = packed(masked(coloured(np.asarray(mels / LEVELS, np.float32), rng), rng), values)
        frames = lesson.teacher.steps(shown, times, sounding)
        # A part of a clip has other statistics than the whole, so it counts less.
        length = (lesson.teacher.begins[shown + 1] - lesson.teacher.begins[shown]) * STEPS / 150
        share = np.minimum(frames[..., -1].sum(1) / np.maximum(length, 1), 1)[:, None]
        clip = np.concatenate([lesson.teacher.clips[shown], share], axis=1, dtype=np.float32)
        labels = lesson.targets[rows]
        mixing = mixed(len(rows), rng)
        inputs = (features, baselines(self._speaker[rows], labels, rows, rng), mixing)
        return inputs, (mixing @ labels, mixing @ lesson.affect[rows], frames, clip)


class Heard(Batches):
    """Batches for `models.voice.small.net.pupil`, whose convolutions have been computed."""

    def __init__(self, lesson: Lesson, statistics: NDArray[np.float32], seed: int) -> None:
        """`statistics`: (variants, k, 208) of the convolutions, for the clips of the lesson."""
        self._statistics = statistics
        self._values = np.stack([lesson.standard.apply(one[lesson.rows]) for one in lesson.material.functionals])
        super().__init__(lesson, seed)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Inputs and targets of the places `rows` in the lesson."""
        lesson = self._lesson
        variant = rng.choice(len(SHARES), len(rows), p=SHARES)
        values = self._values[variant, rows]
        values = values + NOISE * rng.standard_normal(values.shape, np.float32)
        labels, mixing = lesson.targets[rows], mixed(len(rows), rng)
        weights = baselines(self._speaker[rows], labels, rows, rng)
        inputs = (self._statistics[variant, rows], values, weights, mixing)
        return inputs, (mixing @ labels, mixing @ lesson.affect[rows])


def coloured(mels: _Array, rng: np.random.Generator) -> _Array:
    """(k, 188, 64) log-mels with a random tilt and wave over the bands, as by other microphones; silence stays."""
    band = np.linspace(-1, 1, mels.shape[2])
    count = (len(mels), 1)
    wave = np.sin(rng.uniform(0, 2 * np.pi, count) + band * rng.uniform(1, 4, count))
    response = (rng.uniform(-2, 2, count) * band + rng.uniform(0, 1.5, count) * wave) / 80
    return np.asarray(np.clip(mels + response[:, None].astype(np.float32) * (mels > 0), 0, 1))


def masked(mels: _Array, rng: np.random.Generator) -> _Array:
    """Log-mels with a masked range of up to 8 bands and one of up to 16 frames (SpecAugment, Park et al., 2019)."""
    count, frames, bands = mels.shape
    for axis, size, most in ((1, frames, 16), (2, bands, 8)):
        width = rng.integers(0, most + 1, count)
        begin = rng.integers(0, size - width)
        index = np.arange(size)
        hidden = (index >= begin[:, None]) & (index < (begin + width)[:, None])
        mels = np.where(np.expand_dims(hidden, 3 - axis), np.float32(0), mels)
    return mels


def baselines(speakers: NDArray[np.int64], labels: _Array, rows: NDArray[np.int64], rng: np.random.Generator) -> _Array:
    """Weights of a batch's clips in the baseline of each clip.

    Args:
        speakers: (k,) numbers of the speakers.
        labels: (k, outputs) targets, by which clips of one emotion are found.
        rows: (k,) numbers of the clips, so that no clip is part of its own baseline.
        rng: Source of randomness.

    Returns:
        (k, k): a row is 0, or the trust in n clips divided by n for each of n others of the speaker.
    """
    found = np.zeros((len(rows), len(rows)), np.float32)
    kinds = labels.argmax(1)
    for i in np.flatnonzero(rng.random(len(rows)) >= ABSENT):
        others = np.flatnonzero((speakers == speakers[i]) & (rows != rows[i]))
        if len(others) and rng.random() < ONE_CLASS:
            alike = others[kinds[others] == kinds[rng.choice(others)]]
            others = alike if len(alike) > 1 else others
        if len(others):
            count = int(rng.choice((1, 2, 3, 4, 6, 9)))
            chosen = rng.permutation(others)[:count]
            found[i, chosen] = trust(len(chosen)) / len(chosen)
    return found


def mixed(count: int, rng: np.random.Generator) -> _Array:
    """(k, k) matrix that mixes half of the clips with another clip, and leaves the others as they are."""
    share = np.where(rng.random(count) < MIXUP_SHARE, rng.beta(MIXUP, MIXUP, count), 1.0)
    found = np.diag(share)
    found[np.arange(count), rng.permutation(count)] += 1 - share
    return np.asarray(found, np.float32)
