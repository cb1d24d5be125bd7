"""Training data of the voice networks: each clip unchanged, augmented, and in synthetic noise."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from support.voices import RATE, Sound, speechlike

from edge.voice.functionals import SIZE as SPECTRAL
from edge.voice.functionals import functionals
from edge.voice.logmel import FLOOR_DB, logmel
from models.voice import data, features
from models.voice.clips import Clip, mel_and_pitch
from models.voice.nets.melpitch import MelPitch
from models.voice.training.levels import active_power
from models.voice.training.noisy import SNR_DB, noisy

SEEDS = range(12)


def decibels(power: float) -> float:
    return float(10 * np.log10(power))


def voice(seed: int = 0) -> Sound:
    hiss = np.float32(1e-4) * np.random.default_rng(seed).standard_normal(RATE // 4, np.float32)
    return np.concatenate([hiss, speechlike(1.5, seed), hiss])


def test_pauses_do_not_count_as_speech() -> None:
    tone = np.float32(0.1) * np.sin(np.arange(RATE)).astype(np.float32)
    assert decibels(active_power(tone)) == pytest.approx(-23.0, abs=0.1)
    assert decibels(active_power(np.concatenate([tone, 0 * tone, 0 * tone]))) == pytest.approx(-23.0, abs=0.1)
    assert decibels(active_power(0 * tone)) == pytest.approx(-120)


def test_sound_in_noise_has_a_ratio_within_the_range_and_every_time_another() -> None:
    clean = voice()
    found = []
    for seed in SEEDS:
        worse = noisy(clean, np.random.default_rng(seed))
        assert worse.shape == clean.shape
        assert worse.dtype == np.float32
        noise = worse.astype(np.float64) - clean
        found.append(decibels(active_power(clean) / float(np.mean(noise**2))))
    assert SNR_DB[0] - 0.1 <= min(found) < 10
    assert 25 < max(found) <= SNR_DB[1] + 0.1
    assert (noisy(clean, np.random.default_rng(3)) == noisy(clean, np.random.default_rng(3))).all()


def test_a_spectrogram_in_noise_is_like_that_of_sound_in_noise() -> None:
    clean = voice()
    mel = logmel(clean)
    in_sound = [logmel(noisy(clean, np.random.default_rng(seed))) for seed in range(40)]
    in_mel = [noisy(mel, np.random.default_rng(seed)) for seed in range(40)]
    for one in in_mel:
        assert one.shape == mel.shape
        assert one.dtype == np.float32
        assert one.min() >= 0
        assert one.max() == pytest.approx(1.0)
    # After the clip there is nothing, in the noise neither.
    silent = mel.max(0) == 0
    assert silent.any()
    assert not any(one[:, silent].any() for one in in_mel)

    def quiet_db(mels: list[np.ndarray]) -> float:
        """Where the voice pauses, how far below the loudest."""
        return float(np.mean([(one[:, 2:12].mean() - one.max()) * -FLOOR_DB for one in mels]))

    assert quiet_db(in_mel) == pytest.approx(quiet_db(in_sound), abs=6.0)
    assert quiet_db([mel]) < quiet_db(in_mel) - 20


def test_silence_stays_silence() -> None:
    nothing = np.zeros((64, 188), np.float32)
    assert (noisy(nothing, np.random.default_rng(0)) == nothing).all()
    assert np.isfinite(noisy(np.zeros(RATE, np.float32), np.random.default_rng(0))).all()


def clips() -> list[Clip]:
    rows = [("RAVDESS", "02", "happy"), ("EMO-DB", "03", "W"), ("RAVDESS", "03", "sad")]
    found = [Clip(*row, partial(voice, seed)) for seed, row in enumerate(rows)]
    return [*found, Clip("CREMA-D", "1001", "ANG", lambda: logmel(voice(9)))]


def test_every_clip_comes_as_it_is_changed_and_in_noise(tmp_path: Path) -> None:
    shown = clips()
    voices = data.load(shown)
    assert list(voices.folds) == [0, 0, 1, 0]
    assert list(voices.classes) == [2, 0, 3, 0]
    told: list[str] = []
    found = features.variants(voices, shown, 4, tmp_path, told.append)
    assert found.shape == (features.QUIET + features.NOISY, 4, SPECTRAL + voices.pitch.shape[1])
    assert len(told) == len(found) == len(features.SHARES)
    assert features.SHARES.sum() == pytest.approx(1.0)
    assert features.SHARES[features.QUIET :].sum() == pytest.approx(features.NOISY_SHARE)
    np.testing.assert_array_equal(found[0], features.of(voices))
    mel, _ = mel_and_pitch(shown[0].read(), MelPitch())
    np.testing.assert_allclose(found[0, 0, :SPECTRAL], functionals(mel), atol=0.2)
    # The pitch is that of the clip in variants without noise, and is estimated anew in noise.
    for number in range(1, len(found)):
        assert not np.array_equal(found[number, :, :SPECTRAL], found[0, :, :SPECTRAL])
        same = np.array_equal(found[number, :, SPECTRAL:], voices.pitch, equal_nan=True)
        assert same == (number < features.QUIET)
    # A second run reads the cache of the first.
    again = features.variants(voices, shown, 4, tmp_path, told.append)
    np.testing.assert_array_equal(again, found)
    assert len(told) == len(found)
