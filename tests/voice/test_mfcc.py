"""Mel cepstra against their definition, written out frame by frame."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from support.voices import RATE, speechlike

from edge.errors import MissingExtraError
from edge.voice.front_end import CepstraInput, open_front_end
from edge.voice.mfcc import CEPSTRA, FRAMES, FRONT_END, STEP, WINDOW, mel_cepstra
from edge.voice.pitch import pitch_track

pytest.importorskip("python_speech_features", reason="no python_speech_features (pip install 'edge-emotion[mfcc]')")


def written_out(frame: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of one frame after pre-emphasis: 26 triangles evenly spaced in mel, log, cosines, lifter of 22."""
    power = np.abs(np.fft.rfft(frame, 512)) ** 2 / 512
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), 28) / 2595) - 1)
    bins = np.floor(513 * edges / RATE)
    bands = []
    for low, middle, high in zip(bins, bins[1:], bins[2:], strict=False):
        rising = [(k - low) / (middle - low) * power[int(k)] for k in np.arange(low, middle)]
        falling = [(high - k) / (high - middle) * power[int(k)] for k in np.arange(middle, high)]
        bands.append(sum(rising) + sum(falling))
    logs = np.log(bands)
    number = np.arange(CEPSTRA)
    cosines = np.cos(np.pi * number[:, None] * (np.arange(26) + 0.5) / 26) * np.sqrt(2 / 26)
    found = cosines @ logs * (1 + 11 * np.sin(np.pi * number / 22))
    found[0] = np.log(power.sum())
    return np.asarray(found)


def test_they_equal_their_definition() -> None:
    samples = speechlike(1.0)
    sound = samples.astype(np.float64) * 32768
    sharper = np.append(sound[0], sound[1:] - 0.97 * sound[:-1])
    found = mel_cepstra(samples)
    for index in (0, 1, 50, 97):
        expected = written_out(sharper[index * STEP : index * STEP + WINDOW])
        assert found[index] == pytest.approx(expected, rel=1e-4, abs=1e-3)


def test_a_frame_every_hundredth_of_a_second_and_nothing_beyond_the_sound() -> None:
    for seconds, count in ((0.0, 0), (0.024, 0), (0.025, 1), (1.0, 98), (3.0, 298), (5.0, 300)):
        found = mel_cepstra(speechlike(seconds))
        assert found.shape == (FRAMES, CEPSTRA) == (300, 13)
        assert (found.any(axis=1) == (np.arange(FRAMES) < count)).all()
    assert np.isfinite(mel_cepstra(np.zeros(RATE, np.float32))).all()


def test_a_card_can_name_it() -> None:
    front_end = open_front_end(FRONT_END, "m")
    assert isinstance(front_end, CepstraInput)
    sound = speechlike(1.0)
    assert (front_end.read(sound, 0, pitch_track(sound))[0] == mel_cepstra(sound)).all()


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_speech_features", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*python-speech-features"):
        mel_cepstra(speechlike(1.0))
