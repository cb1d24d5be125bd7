"""Functionals of the voice: their values for known input, and finite values for any input."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.voices import speechlike

from edge.voice.functionals import SIZE, functionals
from edge.voice.logmel import logmel

RATE = 16_000


def single_cell() -> NDArray[np.float32]:
    mel = np.zeros((64, 188), np.float32)
    mel[7, 90] = 1
    return mel


@pytest.mark.parametrize(
    "mel",
    [
        np.zeros((64, 188), np.float32),
        np.ones((64, 188), np.float32),
        single_cell(),
        single_cell()[:, ::-1],
        np.random.default_rng(0).random((64, 188)).astype(np.float32),
        logmel(speechlike(0.05)),
        logmel(speechlike(3.0)),
    ],
    ids=["silence", "full", "one cell", "one cell, mirrored", "noise", "50 ms", "3 s"],
)
def test_they_are_finite_numbers_of_whatever_sound(mel: NDArray[np.float32]) -> None:
    found = functionals(mel)
    assert found.shape == (SIZE,)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


def test_silence_before_and_after_changes_little() -> None:
    voice = speechlike(1.5)
    plain = functionals(logmel(voice))
    late = functionals(logmel(np.concatenate([np.zeros(RATE // 2, np.float32), voice])))
    other = functionals(logmel(speechlike(1.5, hertz=230.0)))
    # In units of how much two voices differ.
    unit = np.abs(plain - other).mean()
    assert np.abs(plain - late).mean() < 0.2 * unit


def test_level_changes_nothing() -> None:
    voice = speechlike(2.0)
    assert functionals(logmel(voice)) == pytest.approx(functionals(logmel(0.25 * voice)), abs=0.05)


def test_the_first_ones_are_the_mean_of_each_band_while_somebody_speaks() -> None:
    mel = np.full((64, 188), 0.2, np.float32)
    mel[:, 20:80] = np.linspace(1.0, 0.6, 64, dtype=np.float32)[:, None]
    found = functionals(mel)
    assert found[:64] == pytest.approx((np.linspace(1.0, 0.6, 64) - 1) * 80, abs=0.01)
    assert found[64:128] == pytest.approx(np.zeros(64), abs=0.01)
