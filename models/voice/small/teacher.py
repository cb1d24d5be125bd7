"""What the small voice network learns from Whisper: features every 20 ms, statistics of each clip, and posteriors.

`models.voice.whisper.extract` computes the features. Their principal components are those of nEMO and TESS, which no
protocol measures, so that no measured clip has a part in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import HOP, RATE
from models.voice.small.net import STEPS, TEACHER
from models.voice.small.softmax_regression import regression
from models.voice.small.variants import Material
from models.voice.utterances import NO_FOLD

STEP_S: Final = 0.02
"""Seconds from one frame of the teacher to the next."""
WINDOW_S: Final = 1.5
"""Seconds from one of the teacher's windows of a long clip to the next."""
COMPONENTS: Final = 128
"""Principal components of a clip's statistics from which the teacher's posteriors are learnt."""
PARTS: Final = 4
"""Parts of the training speakers; the posteriors of each part are learnt from the others."""

_CENTRE: Final = 3
"""Log-mel frame at the centre of the student's first step; each step is four frames."""
_SAMPLE: Final = 12
"""Every 12th frame of the teacher determines the principal components."""

_Array = NDArray[np.float32]


@dataclass(frozen=True)
class Teacher:
    """The teacher's features of n clips."""

    frames: NDArray[np.float16]
    """(m, 64) principal components of the frames of all clips, one clip after the other."""
    begins: NDArray[np.int64]
    """(n + 1,) index of each clip's first frame, and m."""
    clips: _Array
    """(n, 64) principal components of the statistics of each clip, with unit variance."""
    statistics: NDArray[np.float16]
    """(n, 2304) mean and deviation over time of the first three layers."""

    def steps(self, rows: NDArray[np.int64], times: _Array, sounding: NDArray[np.bool_]) -> _Array:
        """Targets of the student's steps.

        Args:
            rows: (k,) the clips.
            times: (k, 2) a and b: frame t of the variant's log-mel is frame a·t + b of the clip.
            sounding: (k, 47) whether a step of the variant has sound.

        Returns:
            (k, 47, 65): the teacher's components at the centre of each step, then 1, or 0 where there are none.
        """
        frame = times[:, :1] * (4 * np.arange(STEPS) + _CENTRE) + times[:, 1:]
        index = np.rint(frame * (HOP / RATE / STEP_S)).astype(np.int64)
        length = (self.begins[rows + 1] - self.begins[rows])[:, None]
        known = sounding & (index >= 0) & (index < length)
        place = self.begins[rows][:, None] + np.clip(index, 0, length - 1)
        return np.concatenate([self.frames[place].astype(np.float32), known[..., None]], axis=2, dtype=np.float32)


def load(folder: Path, material: Material, cache: Path) -> Teacher:
    """Reads the features that `models.voice.whisper.extract` left in `folder`, and reduces them to components.

    Args:
        folder: Folder of the features.
        material: The clips.
        cache: Folder in which the components are cached.
    """
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        keys, owner = index["key"], index["owner"]
    if not np.array_equal(keys, material.spoken.keys):
        raise ValueError(f"{folder} holds the features of other clips")
    first = np.searchsorted(owner, np.arange(len(material) + 1))
    elsewhere = np.flatnonzero(material.spoken.folds[owner] == NO_FOLD)
    stats = np.load(folder / "stats_0.npy", mmap_mode="r")[:, 1:4]
    means = np.stack([stats[a:b].astype(np.float32).mean(0).ravel() for a, b in pairwise(first)])
    path = cache / "teacher_frames.npy"
    if not path.exists():
        _reduce(np.load(folder / "frames_0.npy", mmap_mode="r"), elsewhere, first, path)
    mean, basis, spread = _components(means[material.spoken.folds == NO_FOLD], TEACHER)
    return Teacher(
        frames=np.load(path, mmap_mode="r"),
        begins=np.load(cache / "teacher_begins.npy"),
        clips=np.asarray(np.clip((means - mean) @ basis / spread, -5, 5), np.float32),
        statistics=means.astype(np.float16),
    )


def _reduce(frames: NDArray[np.float16], elsewhere: NDArray[np.int64], first: NDArray[np.int64], path: Path) -> None:
    sample = frames[elsewhere[:, None], np.arange(0, frames.shape[1], _SAMPLE)].reshape(-1, frames.shape[2])
    mean, basis, spread = _components(sample.astype(np.float32), TEACHER)
    # Halfway to unit variance: components of little variance count, but less than those of much.
    basis = basis / np.sqrt(spread * spread.mean())
    parts, begins = [], [0]
    stride = round(WINDOW_S / STEP_S)
    for begin, end in pairwise(first):
        # Of a window that the next one overlaps, the first half is taken.
        rows = [frames[row, :stride] for row in range(begin, end - 1)] + [frames[end - 1]]
        clip = (np.concatenate(rows).astype(np.float32) - mean) @ basis
        smooth = (np.pad(clip, ((1, 1), (0, 0)), "edge")[:-2] + clip + np.pad(clip, ((1, 1), (0, 0)), "edge")[2:]) / 3
        parts.append(np.clip(smooth, -6, 6).astype(np.float16))
        begins.append(begins[-1] + len(clip))
    np.save(path.with_name("teacher_begins.npy"), np.array(begins))
    partial = path.with_suffix(".partial.npy")
    np.save(partial, np.concatenate(parts))
    partial.replace(path)


def _components(rows: _Array, count: int) -> tuple[_Array, _Array, _Array]:
    """Mean (d,), first principal directions (d, count), and standard deviations along them (count,).

    Randomised subspace iteration (Halko, Martinsson & Tropp, SIAM Review 53(2), 2011).
    """
    mean = rows.mean(0)
    centred = rows - mean
    found = np.random.default_rng(0).standard_normal((rows.shape[1], min(rows.shape[1], count + 32)), np.float32)
    for _ in range(4):
        found = np.linalg.qr(centred.T @ (centred @ found))[0]
    values, vectors = np.linalg.eigh((centred @ found).T @ (centred @ found) / len(rows))
    order = np.argsort(values)[::-1][:count]
    return mean, found @ vectors[:, order], np.sqrt(np.maximum(values[order], 1e-8))


def posteriors(teacher: Teacher, material: Material, heard: NDArray[np.int64], targets: _Array, seed: int) -> _Array:
    """Posteriors of a classifier of the teacher's statistics, for the clips that a network learns.

    The classifier reads the statistics and their difference from the speaker's mean. It never learns from a clip of
    the speaker whose posterior it gives: training speakers are divided into `PARTS` parts.

    Args:
        teacher: The teacher's features.
        material: The n clips.
        heard: (k,) rows of the clips that the network learns; no other row is read.
        targets: (k, outputs) targets of all heads, zero in heads that a clip does not train.
        seed: Seed of the division.

    Returns:
        (k, outputs) logits by classifiers that have not heard the speaker.
    """
    values = teacher.statistics[heard].astype(np.float32)
    values = (values - values.mean(0)) / (values.std(0) + 1e-3)
    mean, basis, spread = _components(values[:: max(1, len(values) // 4000)], COMPONENTS)
    values = (values - mean) @ basis / np.sqrt(spread * spread.mean())
    names, speaker = np.unique(material.spoken.speakers[heard], return_inverse=True)
    own = np.stack([values[speaker == one].mean(0) for one in range(len(names))])
    values = np.concatenate([values, values - own[speaker]], axis=1)
    part = np.random.default_rng(seed).permutation(len(names))[speaker] % PARTS
    found = np.zeros_like(targets)
    for number in range(PARTS):
        rest = part != number
        kernel, bias = regression(values[rest], targets[rest])
        found[~rest] = values[~rest] @ kernel + bias
    return found
