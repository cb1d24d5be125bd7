"""Resampling from any rate to 16 kHz does not depend on the chunk sizes."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import SourceError
from edge.hearing.resample import RATE, Resampler

RATES = (8000, 11025, 16000, 22050, 44099, 44100, 48000, 96000)


def tone(hertz: float, rate: int, seconds: float = 1.0) -> NDArray[np.float32]:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_stays_the_same_tone(rate: int) -> None:
    found = Resampler(rate).push(tone(1000, rate))
    wanted = tone(1000, RATE)[: len(found)]
    assert len(found) > 0.99 * RATE
    assert np.abs(found - wanted)[200:].max() < 1e-4


@pytest.mark.parametrize("rate", RATES)
def test_chunks_leave_no_seam(rate: int) -> None:
    sound = np.random.default_rng(1).normal(0, 0.1, rate // 2).astype(np.float32)
    whole, parts = Resampler(rate), Resampler(rate)
    cuts = np.cumsum(np.random.default_rng(2).integers(0, 300, 2000))
    pieces = [parts.push(piece) for piece in np.split(sound, cuts[cuts < len(sound)])]
    np.testing.assert_allclose(np.concatenate(pieces), whole.push(sound), atol=1e-6)
    assert parts.backlog == whole.backlog


@pytest.mark.parametrize(
    ("rate", "hertz"), [(44100, 9500), (48000, 12_000), (44100, 20_700), (48000, 22_500), (96000, 45_000)]
)
def test_frequencies_above_8_khz_are_removed(rate: int, hertz: float) -> None:
    # The first would fold to 6.5 kHz, amid the voice.
    assert np.abs(Resampler(rate).push(tone(hertz, rate))[200:]).max() < 1e-3


def test_single_samples_give_the_same() -> None:
    sound = tone(440, 48000, 0.05)
    one = Resampler(48000)
    found = np.concatenate([one.push(sound[i : i + 1]) for i in range(len(sound))])
    np.testing.assert_allclose(found, Resampler(48000).push(sound), atol=1e-6)


def test_backlog_is_a_few_milliseconds() -> None:
    resampler = Resampler(44100)
    resampler.push(tone(440, 44100))
    assert 0 <= resampler.backlog < 0.003


@pytest.mark.parametrize("rate", [0, 7999, 96001])
def test_a_rate_beyond_the_range_is_refused(rate: int) -> None:
    with pytest.raises(SourceError, match="8000 to 96000"):
        Resampler(rate)
