"""Faults of cheap microphones: extra channels, NaN, clipping, a DC offset."""

from __future__ import annotations

import numpy as np
import pytest

from edge.errors import SourceError
from edge.hearing.cleaning import STEP, Cleaner


def test_channels_are_averaged() -> None:
    left, right = np.full(100, 0.5, np.float32), np.full(100, -0.1, np.float32)
    found = Cleaner().mono(np.stack([left, right], 1))
    assert found.shape == (100,)
    assert found.dtype == np.float32
    assert np.allclose(found, 0.2)


@pytest.mark.parametrize("shape", [(50,), (50, 1), (50, 6), (0,), (0, 2), (1,)])
def test_any_number_of_channels_and_samples(shape: tuple[int, ...]) -> None:
    assert Cleaner().mono(np.zeros(shape, np.float32)).shape == shape[:1]


@pytest.mark.parametrize("shape", [(), (10, 0), (3, 4, 5)])
def test_invalid_sound_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SourceError, match="can be read"):
        Cleaner().mono(np.zeros(shape, np.float32))


def test_nan_and_infinity_become_silence_and_are_counted() -> None:
    cleaner = Cleaner()
    sound = np.full(10, 0.25, np.float32)
    sound[[2, 5, 7]] = np.nan, np.inf, -np.inf
    found = cleaner.mono(sound)
    assert np.isfinite(found).all()
    assert found[[2, 5, 7]].tolist() == [0, 0, 0]
    assert found[0] == np.float32(0.25)
    assert (cleaner.nan_samples, cleaner.clipped_samples) == (3, 0)


def test_clipping_is_cut_to_full_scale_and_counted() -> None:
    cleaner = Cleaner()
    found = cleaner.mono(np.array([0.5, 1.0, 3.0, -1.0, -7.5, 0.99], np.float32))
    assert found.tolist() == pytest.approx([0.5, 1, 1, -1, -1, 0.99])
    assert cleaner.clipped_samples == 4
    cleaner.mono(np.array([2.0], np.float32))
    assert cleaner.clipped_samples == 5


def test_the_callers_array_is_left_alone() -> None:
    sound = np.array([np.nan, 5.0, 0.1], np.float32)
    Cleaner().mono(sound)
    assert np.isnan(sound[0])
    assert sound[1] == 5.0


def test_a_constant_offset_is_gone_from_the_first_step_on() -> None:
    cleaner = Cleaner()
    tone = 0.1 * np.sin(2 * np.pi * 200 * np.arange(100 * STEP) / 16_000).astype(np.float32)
    steps = (tone + np.float32(0.4)).reshape(-1, STEP)
    found = np.concatenate([cleaner.level(step) for step in steps])
    assert np.abs(found - tone).max() < 0.01


def test_an_offset_that_jumps_is_followed_without_a_step_of_its_own() -> None:
    cleaner = Cleaner()
    for _ in range(50):
        cleaner.level(np.zeros(STEP, np.float32))
    after = [cleaner.level(np.full(STEP, 0.3, np.float32)) for _ in range(400)]
    assert after[0][0] == pytest.approx(0.3, abs=1e-6)
    assert abs(float(after[-1].mean())) < 1e-3  # within four seconds
    flat = np.concatenate(after)
    assert np.abs(np.diff(flat)).max() < 1e-4  # no click between steps


def test_a_voice_passes_untouched() -> None:
    cleaner = Cleaner()
    voice = 0.3 * np.sin(2 * np.pi * 120 * np.arange(200 * STEP) / 16_000).astype(np.float32)
    found = np.concatenate([cleaner.level(step) for step in voice.reshape(-1, STEP)])
    change = np.sqrt(np.mean((found - voice)[STEP * 50 :] ** 2)) / np.sqrt(np.mean(voice**2))
    assert change < 0.05


def test_channels_that_cancel_each_other_leave_the_louder_one() -> None:
    left = np.sin(np.arange(480) / 5).astype(np.float32) * 0.3
    mixed = Cleaner().mono(np.stack([left, -0.9 * left], axis=1))
    assert np.array_equal(mixed, left)
    noise = np.random.default_rng(2).normal(0, 0.1, (480, 8)).astype(np.float32)
    assert np.allclose(Cleaner().mono(noise), noise.mean(1))


def test_a_large_offset_is_counted() -> None:
    cleaner = Cleaner()
    for _ in range(10):
        cleaner.level(np.full(STEP, 0.1, np.float32))
        cleaner.level(np.full(STEP, 0.1, np.float32))
    assert cleaner.offset_steps == 20
    quiet = Cleaner()
    quiet.level(np.full(STEP, 0.01, np.float32))
    assert quiet.offset_steps == 0


def test_the_offset_is_learnt_again_after_a_reset() -> None:
    cleaner = Cleaner()
    for _ in range(100):
        cleaner.level(np.full(STEP, 0.5, np.float32))
    cleaner.reset()
    assert np.abs(cleaner.level(np.full(STEP, -0.5, np.float32))).max() < 1e-6
