"""Functionals and pitch of every clip, as it is and in augmented variants, computed once and kept beside the runs."""

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
"""The clip as it is, and five others of the same recording: their spectrograms vary, the pitch is that of the clip."""
NOISY: Final = 5
"""And so many in noise, in which the pitch is heard anew."""
NOISY_SHARE: Final = 0.25
"""How often one of these is learnt from."""
SHARES: Final = np.repeat([(1 - NOISY_SHARE) / QUIET, NOISY_SHARE / NOISY], [QUIET, NOISY])
"""How often each variant is."""


def of(voices: data.Voices) -> NDArray[np.float32]:
    """(n, 897): of the clips as they are; NaN where there is no pitch."""
    spectral = np.stack([functionals(mel[..., 0]) for mel in map(data.as_input, voices.mels)])
    return np.concatenate([spectral, voices.pitch], axis=1)


def variants(
    voices: data.Voices, clips: Sequence[Clip], seed: int, kept: Path, tell: Callable[[str], None]
) -> NDArray[np.float32]:
    """(`QUIET` + `NOISY`, n, 897), the clips as they are first; each variant is written to the folder `kept` as soon
    as it is there. `voices`: what was loaded of `clips`."""
    kept.mkdir(parents=True, exist_ok=True)
    found = np.empty((QUIET + NOISY, len(voices), SIZE), np.float32)
    for number in range(len(found)):
        path = kept / f"variant{number}.npy"
        kept_values = np.load(path) if path.exists() else np.zeros(0)
        if len(kept_values) == len(voices):  # else they are those of a run with `--quick`
            found[number] = kept_values
            continue
        tell(f"functionals, variant {number + 1} of {len(found)}")
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
