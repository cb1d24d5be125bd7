"""The clips of all corpora as log-mels and functionals, unchanged and in augmented variants, cached with the runs.

Every variant is a memory-mapped file, so that training reads only what a batch needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.logmel import BANDS, FRAMES, HOP, RATE, SECONDS
from edge.voice.standardizer import SIZE
from models.voice.clips import Clip, Recorded, mel_and_pitch
from models.voice.data import LEVELS
from models.voice.nets.melpitch import MelPitch
from models.voice.small.augment import timed
from models.voice.training.noisy import noisy
from models.voice.utterances import Utterances, of

KINDS: Final = ("clean", "noisy", "augmented")
"""The variants of each clip: unchanged, augmented, or in synthetic noise and then augmented."""
SHARES: Final = (0.3, 0.35, 0.35)
"""Probability that training draws each variant."""
SNR_DB: Final = (-3.0, 30.0)
"""Range of the signal-to-noise ratio of the variants in noise, dB."""

_WINDOW: Final = round(SECONDS * RATE)
"""Samples that a variant of a clip covers; augmented variants of longer clips start at random."""


@dataclass(frozen=True)
class Material:
    """The n clips with what training knows of them, and their variants."""

    spoken: Utterances
    """The clips."""
    mels: Sequence[NDArray[np.uint8]]
    """For each variant (n, 188, 64) log-mels as bytes 0…`LEVELS`."""
    functionals: Sequence[NDArray[np.float32]]
    """For each variant (n, 897) functionals, not standardised."""
    times: Sequence[NDArray[np.float32]]
    """For each variant (n, 2) a and b: its frame t is frame a·t + b of the whole clip."""

    def __len__(self) -> int:
        return len(self.spoken)


def load(clips: Sequence[Clip], folder: Path, seed: int, report: Callable[[str], None]) -> Material:
    """Computes the variants of all clips, or reads them from `folder` if an earlier run has cached them.

    Args:
        clips: The n clips, of any length.
        folder: Folder of the cache.
        seed: Seed of augmentation and noise.
        report: Receives one line of progress per variant.

    Raises:
        ModelError: The network that estimates pitch from a log-mel is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, kind in enumerate(KINDS):
        if not (folder / f"times{number}.npy").exists():
            report(f"variant {number + 1} of {len(KINDS)}: {kind}")
            _compute(clips, folder, number, seed)
    return Material(
        spoken=of(clips),
        mels=[np.load(folder / f"mels{i}.npy", mmap_mode="r") for i in range(len(KINDS))],
        functionals=[np.load(folder / f"func{i}.npy", mmap_mode="r") for i in range(len(KINDS))],
        times=[np.load(folder / f"times{i}.npy") for i in range(len(KINDS))],
    )


def _compute(clips: Sequence[Clip], folder: Path, number: int, seed: int) -> None:
    rng, pitch_net = np.random.default_rng((seed, number)), MelPitch()
    partial = folder / f"mels{number}.partial.npy"
    mels = np.lib.format.open_memmap(partial, "w+", np.uint8, (len(clips), FRAMES, BANDS))
    values, times = np.empty((len(clips), SIZE), np.float32), np.empty((len(clips), 2), np.float32)
    for i, clip in enumerate(clips):
        recorded, begin = _window(clip.read(), number > 0, rng)
        if KINDS[number] == "noisy":
            recorded = noisy(recorded, rng, SNR_DB)
        mel, track = mel_and_pitch(recorded, pitch_net)
        rate, start = 1.0, 0.0
        if KINDS[number] != "clean":
            mel, (rate, start) = timed(mel, rng)
        values[i] = np.concatenate([functionals(mel), intonation(track)])
        times[i] = rate, start + begin
        mels[i] = np.rint(mel * LEVELS).T
    mels.flush()
    partial.replace(folder / f"mels{number}.npy")
    np.save(folder / f"func{number}.npy", values)
    np.save(folder / f"times{number}.npy", times)


def _window(recorded: Recorded, at_random: bool, rng: np.random.Generator) -> tuple[Recorded, int]:
    """Three seconds of a longer sound and the log-mel frame at which they start; other clips as they are."""
    if recorded.ndim != 1 or len(recorded) <= _WINDOW:
        return recorded, 0
    begin = int(rng.integers(0, (len(recorded) - _WINDOW) // HOP + 1)) if at_random else 0
    return recorded[begin * HOP : begin * HOP + _WINDOW], begin
