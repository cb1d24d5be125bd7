"""The input of a voice model: features of the front end named in its card, standardised by the values there."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.voices import RATE, speechlike

from edge.errors import ModelError
from edge.voice.front_end import FunctionalsInput, LogMelInput, open_front_end
from edge.voice.functionals import functionals
from edge.voice.intonation import SIZE as PITCH_SIZE
from edge.voice.intonation import intonation
from edge.voice.logmel import FRONT_END, logmel
from edge.voice.pitch import pitch_track
from edge.voice.standardizer import LIMIT, SIZE, Standardizer


def standard() -> Standardizer:
    rng = np.random.default_rng(3)
    return Standardizer(rng.normal(0, 20, SIZE).astype(np.float32), rng.uniform(0.1, 9, SIZE).astype(np.float32))


def read_by_hand(voice: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.concatenate([functionals(logmel(voice)), intonation(pitch_track(voice))])


def test_missing_pitch_is_replaced_by_the_mean() -> None:
    hiss = 0.1 * np.random.default_rng(2).standard_normal(RATE).astype(np.float32)
    values = read_by_hand(hiss)
    assert np.isnan(values[-PITCH_SIZE:]).all()
    shown = standard().apply(values)
    assert (shown[-PITCH_SIZE:] == 0).all()
    assert np.isfinite(shown).all()


def test_missing_values_are_ignored_when_a_standardizer_is_fitted() -> None:
    values = np.random.default_rng(4).normal(3, 2, (2, 500, SIZE)).astype(np.float32)
    values[:, :250, -PITCH_SIZE:] = np.nan
    shown = Standardizer.of(values).apply(values[:, 250:])
    assert shown.mean((0, 1)) == pytest.approx(np.zeros(SIZE), abs=0.2)
    assert shown.std((0, 1)) == pytest.approx(np.ones(SIZE), abs=0.2)


def test_a_card_keeps_the_standard_exactly() -> None:
    values = read_by_hand(speechlike(2.0))
    ours = standard()
    read = Standardizer.read(ours.front_end())
    assert (read.apply(values) == ours.apply(values)).all()
    assert np.abs(ours.apply(values)).max() <= LIMIT


def test_the_front_end_is_the_one_that_the_card_names() -> None:
    hiss = np.random.default_rng(2).standard_normal(2 * RATE).astype(np.float32)
    voice = speechlike(2.0) + np.float32(3e-3) * hiss
    track = pitch_track(voice)
    shown = open_front_end(FRONT_END, "m")
    assert isinstance(shown, LogMelInput)
    assert (shown.read(voice, 0, track)[0, :, :, 0] == logmel(voice)).all()
    described = open_front_end(standard().front_end(), "m")
    assert isinstance(described, FunctionalsInput)
    assert (described.read(voice, 0, track)[0] == standard().apply(read_by_hand(voice))).all()


@pytest.mark.parametrize(
    ("front_end", "said"),
    [
        ({}, "wants the front end None"),
        ({"name": "fbank40"}, "'fbank40'"),
        ({"name": "functionals-pitch"}, "lacks its mean and deviation"),
        ({**standard().front_end(), "mean": "not base 64!"}, "lacks its mean and deviation"),
        ({**standard().front_end(), "mean": "AAAA"}, "lacks its mean and deviation"),
        ({**standard().front_end(), "deviation": "AAAAAA=="}, "897 values"),
        ({**standard().front_end(), "limit": 3.0}, "limit 4.0"),
    ],
)
def test_another_front_end_is_refused(front_end: dict[str, object], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        open_front_end(front_end, "m")
