"""Variants of the small voice network's clips: unchanged, in noise, augmented, with the time of each."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.voices import RATE, Sound, speechlike

from edge.voice.functionals import SIZE as SPECTRAL
from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.logmel import logmel
from models.voice import data
from models.voice.clips import Clip, mel_and_pitch
from models.voice.nets.melpitch import MelPitch
from models.voice.small import variants
from models.voice.utterances import NO_FOLD


def voice(seed: int = 0) -> Sound:
    hiss = np.float32(1e-4) * np.random.default_rng(seed).standard_normal(RATE // 4, np.float32)
    return np.concatenate([hiss, speechlike(1.5, seed), hiss])


def clips() -> list[Clip]:
    rows = [("RAVDESS", "02", "happy"), ("EMO-DB", "03", "W"), ("nEMO", "EB0", "fear")]
    found = [Clip(*row, partial(voice, seed), f"clip{seed}") for seed, row in enumerate(rows)]
    return [*found, Clip("CREMA-D", "1001", "ANG", lambda: logmel(voice(9)), "clip9")]


def test_every_clip_comes_as_it_is_in_noise_and_augmented(tmp_path: Path) -> None:
    shown = clips()
    reports: list[str] = []
    found = variants.load(shown, tmp_path, 4, reports.append)
    assert len(reports) == len(variants.KINDS) == len(variants.SHARES)
    assert sum(variants.SHARES) == pytest.approx(1.0)
    assert list(found.spoken.folds) == [0, 0, NO_FOLD, 0]
    mel, track = mel_and_pitch(shown[0].read(), MelPitch())
    np.testing.assert_allclose(found.mels[0][0], mel.T * data.LEVELS, atol=0.5)
    np.testing.assert_array_equal(found.functionals[0][0], np.concatenate([functionals(mel), intonation(track)]))
    assert (found.times[0] == (1, 0)).all()
    assert (found.times[1] != (1, 0)).any()
    for number in range(1, len(variants.KINDS)):
        assert found.mels[number].shape == (4, 188, 64)
        assert not np.array_equal(found.functionals[number], found.functionals[0])
    # The pitch is that of the clip in the variant without noise, and is estimated anew in noise.
    same = [np.array_equal(one[0, SPECTRAL:], found.functionals[0][0, SPECTRAL:]) for one in found.functionals]
    assert same == [kind != "noisy" for kind in variants.KINDS]
    # A second run reads the cache of the first.
    again = variants.load(shown, tmp_path, 4, reports.append)
    np.testing.assert_array_equal(again.mels[2], found.mels[2])
    assert len(reports) == len(variants.KINDS)


def test_variants_of_a_long_clip_start_anywhere_in_it(tmp_path: Path) -> None:
    clip = Clip("EMO-DB", "03", "W", lambda: speechlike(6.0, 3), "long")
    found = variants.load([clip] * 12, tmp_path, 4, lambda _: None)
    assert not found.times[0][:, 1].any()
    begins = found.times[1][:, 1]
    assert begins.min() > -10
    assert begins.max() < 188 * 2
    assert begins.std() > 20
