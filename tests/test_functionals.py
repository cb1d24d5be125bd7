"""Functionals of the voice: what they follow from, and that nothing makes them other than numbers."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.voice.front_end import FunctionalsInput, LogMelInput, open_front_end
from edge.voice.functionals import LIMIT, SIZE, Standard, functionals
from edge.voice.logmel import FRONT_END, logmel

RATE = 16_000


def speechlike(seconds: float, seed: int = 0, hertz: float = 140.0) -> NDArray[np.float32]:
    """A voice-like buzz whose pitch and loudness move, over a little hiss."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    phase = 2 * np.pi * np.cumsum(hertz * (1 + 0.3 * np.sin(2 * np.pi * 1.3 * t))) / RATE
    buzz = sum(np.cos(k * phase) / k**1.2 for k in range(1, 25))
    swell = 0.02 + np.sin(2 * np.pi * 2.1 * t) ** 2
    return np.asarray(0.1 * buzz * swell + 1e-4 * rng.standard_normal(len(t)), np.float32)


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


def standard() -> Standard:
    rng = np.random.default_rng(3)
    return Standard(rng.normal(0, 20, SIZE).astype(np.float32), rng.uniform(0.1, 9, SIZE).astype(np.float32))


def test_a_card_keeps_the_standard_exactly() -> None:
    values = functionals(logmel(speechlike(2.0)))
    ours = standard()
    read = Standard.read(ours.front_end())
    assert (read.apply(values) == ours.apply(values)).all()
    assert np.abs(ours.apply(values)).max() <= LIMIT


def test_the_front_end_is_the_one_that_the_card_names() -> None:
    voice = speechlike(2.0)
    shown = open_front_end(FRONT_END, "m")
    assert isinstance(shown, LogMelInput)
    assert (shown.read(voice, 0)[0, :, :, 0] == logmel(voice)).all()
    described = open_front_end(standard().front_end(), "m")
    assert isinstance(described, FunctionalsInput)
    assert (described.read(voice, 0)[0] == standard().apply(functionals(logmel(voice)))).all()


@pytest.mark.parametrize(
    ("front_end", "said"),
    [
        ({}, "wants the front end None"),
        ({"name": "fbank40"}, "'fbank40'"),
        ({"name": "functionals"}, "lacks its mean and deviation"),
        ({**standard().front_end(), "mean": "not base 64!"}, "lacks its mean and deviation"),
        ({**standard().front_end(), "mean": "AAAA"}, "lacks its mean and deviation"),
        ({**standard().front_end(), "deviation": "AAAAAA=="}, "860 values"),
        ({**standard().front_end(), "limit": 3.0}, "limit 4.0"),
    ],
)
def test_another_front_end_is_refused(front_end: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        open_front_end(front_end, "m")
