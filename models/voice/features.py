"""Functionals and pitch of every clip, unchanged and in augmented variants, computed once and cached with the runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.standardizer import SIZE
from models.voice import data
from models.voice.clips import Clip, mel_and_pitch
from models.voice.nets.melpitch import MelPitch
from models.voice.training.augment import augment
from models.voice.training.noisy import noisy

QUIET: Final = 6
"""Number of variants without noise: the unchanged clip and five with an augmented spectrogram and unchanged pitch."""
NOISY: Final = 5
"""Number of variants in noise, in which the pitch is estimated anew."""
NOISY_SHARE: Final = 0.25
"""Probability that training draws one of the variants in noise."""
SHARES: Final = np.repeat([(1 - NOISY_SHARE) / QUIET, NOISY_SHARE / NOISY], [QUIET, NOISY])
"""Probability that training draws each variant."""


def of(voices: data.Voices) -> NDArray[np.float32]:
    """(n, 897) features of the unchanged clips; pitch values of clips without pitch are NaN."""
    spectral = np.stack([functionals(mel[..., 0]) for mel in map(data.as_input, voices.mels)])
    return np.concatenate([spectral, voices.pitch], axis=1)


def variants(
    voices: data.Voices, clips: Sequence[Clip], seed: int, kept: Path, report: Callable[[str], None]
) -> NDArray[np.float32]:
    """Features of all variants of each clip.

    Args:
        voices: What `data.load` has read from `clips`.
        clips: The n clips.
        seed: Seed of the augmentation.
        kept: Folder in which each finished variant is cached.
        report: Receives one line of progress per variant.

    Returns:
        (`QUIET` + `NOISY`, n, 897) features; the first variant is the unchanged clips.
    """
    kept.mkdir(parents=True, exist_ok=True)
    found = np.empty((QUIET + NOISY, len(voices), SIZE), np.float32)
    for number in range(len(found)):
        path = kept / f"variant{number}.npy"
        kept_values = np.load(path) if path.exists() else np.zeros(0)
        if len(kept_values) == len(voices):  # a cache of another length comes from a run with `--quick`
            found[number] = kept_values
            continue
        report(f"functionals, variant {number + 1} of {len(found)}")
        rng = np.random.default_rng((seed, number))
        if number == 0:
            found[0] = of(voices)
        elif number < QUIET:
            spectral = [functionals(augment(data.as_input(mel)[..., 0], rng)) for mel in voices.mels]
            found[number] = np.concatenate([spectral, voices.pitch], axis=1)
        else:
            found[number] = _in_noise(clips, rng)
        partial = path.with_suffix(".partial.npy")
        np.save(partial, found[number])
        partial.replace(path)
    return found


def _in_noise(clips: Sequence[Clip], rng: np.random.Generator) -> NDArray[np.float32]:
    pitch_net = MelPitch()
    found = np.empty((len(clips), SIZE), np.float32)
    for i, clip in enumerate(clips):
        mel, track = mel_and_pitch(noisy(clip.read(), rng), pitch_net)
        found[i] = np.concatenate([functionals(augment(mel, rng)), intonation(track)])
    return found
