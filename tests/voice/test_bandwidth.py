"""The bandwidth of a voice over a narrow-band line."""

from __future__ import annotations

import numpy as np
import pytest
from support.voices import RATE, speechlike

from edge import shipped
from edge.inference import card as cards
from edge.voice.bandwidth import filled
from edge.voice.functionals import functionals
from edge.voice.logmel import BANDS, LogMelStream
from edge.voice.standardizer import Standardizer

TYPICAL = np.linspace(-20, -60, BANDS).astype(np.float32)


def hissing_voice() -> np.ndarray:
    return speechlike(2.5) + np.random.default_rng(1).normal(0, 3e-3, round(2.5 * RATE)).astype(np.float32)


def spectrogram(sound: np.ndarray) -> np.ndarray:
    return LogMelStream().read(sound, 0)


def low_passed(sound: np.ndarray, hertz: float) -> np.ndarray:
    spectrum = np.fft.rfft(sound)
    spectrum[int(hertz * len(sound) / RATE) :] = 0
    return np.fft.irfft(spectrum, len(sound)).astype(np.float32)


def test_a_whole_spectrum_and_silence_are_left_alone() -> None:
    for mel in (spectrogram(hissing_voice()), np.zeros((BANDS, 188), np.float32)):
        assert filled(mel, TYPICAL) is mel


def test_empty_bands_go_on_from_those_below() -> None:
    mel = np.zeros((BANDS, 188), np.float32)
    mel[:40, :100] = 0.5
    found = filled(mel, TYPICAL)
    assert np.array_equal(found[:39], mel[:39])
    assert (np.diff(found[39:, 0]) <= 0).all()
    assert 0 < found[-1, 0] < 0.5
    # Pauses stay pauses.
    assert not found[:, 100:].any()


@pytest.mark.parametrize("hertz", [3700.0, 5000.0])
def test_the_numbers_of_a_narrow_voice_come_near_those_of_the_whole(hertz: float) -> None:
    standard = Standardizer.read(cards.read(cards.card_path(shipped.model("voice", "voice"))).front_end)
    sound = hissing_voice()

    def numbers(mel: np.ndarray) -> np.ndarray:
        return standard.apply(np.concatenate([functionals(mel), np.full(37, np.nan, np.float32)]))

    whole, narrow = numbers(spectrogram(sound)), spectrogram(low_passed(sound, hertz))
    as_it_is = np.abs(numbers(narrow) - whole).mean()
    assert np.abs(numbers(filled(narrow, standard.band_levels)) - whole).mean() < 0.6 * as_it_is
