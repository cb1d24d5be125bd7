"""Golden vectors of every front end of the voice: a shift by one bin or band anywhere is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.golden import assert_golden
from support.voices import speechlike

from edge.voice.functionals import functionals
from edge.voice.intonation import intonation
from edge.voice.logmel import logmel
from edge.voice.mfcc import cepstra
from edge.voice.pitch import pitch_track
from edge.voice.prosody import prosody
from edge.voice.shortterm import short_term


@pytest.fixture(scope="module")
def sound() -> NDArray[np.float32]:
    """2.2 s with a beginning, a pause and a higher second part, so that every third, range and pause differs."""
    first, second = speechlike(1.0, seed=1, hertz=120.0), speechlike(0.9, seed=2, hertz=210.0)
    return np.concatenate([first, np.zeros(4800, np.float32), 0.4 * second]).astype(np.float32)


def test_logmel(sound: NDArray[np.float32]) -> None:
    assert_golden("logmel", logmel(sound)[:, ::4], atol=1e-3)


def test_functionals(sound: NDArray[np.float32]) -> None:
    assert_golden("functionals", functionals(logmel(sound)), atol=2e-3, rtol=1e-3)


def test_intonation(sound: NDArray[np.float32]) -> None:
    assert_golden("intonation", intonation(pitch_track(sound)), atol=2e-3, rtol=1e-3)


def test_pitch(sound: NDArray[np.float32]) -> None:
    track = pitch_track(sound)
    assert_golden("pitch", np.stack([np.nan_to_num(track.hertz), 1e3 * track.power]), atol=1e-2, rtol=1e-3)


def test_mfcc(sound: NDArray[np.float32]) -> None:
    assert_golden("mfcc", cepstra(sound, 400, 160, 512)[::8], atol=1e-2, rtol=1e-3)


def test_short_term(sound: NDArray[np.float32]) -> None:
    assert_golden("short_term", short_term(sound)[..., ::4], atol=1e-3, rtol=1e-3)


def test_prosody(sound: NDArray[np.float32]) -> None:
    found = prosody(sound)
    values = np.array([found.pitch_hz, found.pitch_range_semitones, found.rate_hz], np.float64)
    assert_golden("prosody", values, rtol=1e-3)
