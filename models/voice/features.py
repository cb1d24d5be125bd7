"""Functionals and pitch of every clip, as it is and in augmented variants, computed once and kept beside the runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.functionals import SIZE, functionals
from models.voice import data
from models.voice.augment import augment

VARIANTS: Final = 6
"""The clip as it is, and five others."""


def of(voices: data.Voices) -> NDArray[np.float32]:
    """(n, 897): of the clips as they are; NaN where there is no pitch."""
    return np.concatenate([_functionals(voices), voices.pitch], axis=1)


def _functionals(voices: data.Voices) -> NDArray[np.float32]:
    return np.stack([functionals(mel[..., 0]) for mel in map(data.as_input, voices.mels)])


def variants(voices: data.Voices, seed: int, kept: Path, tell: Callable[[str], None]) -> NDArray[np.float32]:
    """(`VARIANTS`, n, 897), clean ones first; each variant is written to the folder `kept` as soon as it is there.

    The spectrograms vary, the pitch is that of the clip.
    """
    kept.mkdir(parents=True, exist_ok=True)
    found = np.empty((VARIANTS, len(voices), SIZE), np.float32)
    for number in range(VARIANTS):
        path = kept / f"functionals{number}.npy"
        kept_values = np.load(path) if path.exists() else np.zeros(0)
        if len(kept_values) == len(voices):  # else they are those of a run with `--quick`
            found[number] = kept_values
            continue
        tell(f"functionals, variant {number + 1} of {VARIANTS}")
        if number == 0:
            found[0] = _functionals(voices)
        else:
            rng = np.random.default_rng((seed, number))
            for i, mel in enumerate(voices.mels):
                found[number, i] = functionals(augment(data.as_input(mel)[..., 0], rng))
        partial = path.with_suffix(".partial.npy")
        np.save(partial, found[number])
        partial.replace(path)
    return np.concatenate([found, np.broadcast_to(voices.pitch, (VARIANTS, *voices.pitch.shape))], axis=2)
