"""Whisper's log-mel: against a plain implementation written from its definition, and as a stream."""

from __future__ import annotations

import math

import numpy as np
import pytest
from support.voices import RATE, Sound, speechlike

from edge.voice.whisper_mel import BANDS, FRAMES, HOP, WINDOW, WhisperMelStream, whisper_mel


def mel_of(hertz: float) -> float:
    """Slaney's scale, Auditory Toolbox (1998)."""
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def band_power(frame: Sound, band: int) -> float:
    """Power of one windowed frame in one band, by the discrete Fourier sum and a triangle of area 1."""
    edges = np.interp(np.linspace(0, mel_of(8000), BANDS + 2)[band : band + 3], [mel_of(h) for h in HERTZ], HERTZ)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    total = 0.0
    for k in range(WINDOW // 2 + 1):
        hertz = k * RATE / WINDOW
        rise, fall = (hertz - edges[0]) / (edges[1] - edges[0]), (edges[2] - hertz) / (edges[2] - edges[1])
        if (weight := min(rise, fall)) > 0:
            turn = np.exp(-2j * np.pi * k * np.arange(WINDOW) / WINDOW)
            total += weight * 2 / (edges[2] - edges[0]) * abs((frame * window * turn).sum()) ** 2
    return total


HERTZ = np.linspace(0, 8000, 20_001)


def test_it_is_what_its_definition_says() -> None:
    sound = speechlike(1.2, 3)
    found = whisper_mel(sound)
    padded = np.concatenate([np.zeros(WINDOW // 2), sound, np.zeros(WINDOW)])
    cells = [(frame, band) for frame in (0, 17, 60, 119) for band in (0, 7, 30, 55, 79)]
    expected = np.array([band_power(padded[i * HOP : i * HOP + WINDOW], band) for i, band in cells])
    # Values are relative to the loudest cell, so differences between cells are compared.
    decibels = 10 * np.log10(expected)
    values = np.array([found[cell] for cell in cells]) * 80
    above = values > 1
    assert above.sum() >= 12
    assert values[above] - values[above][0] == pytest.approx(decibels[above] - decibels[above][0], abs=0.05)


def test_level_does_not_matter_and_the_end_is_empty() -> None:
    sound = speechlike(1.0, 1)
    found = whisper_mel(sound)
    assert found.shape == (FRAMES, BANDS)
    assert found.dtype == np.float32
    assert found.max() == 1
    assert (found[100:] == 0).all()
    assert (found[:100].max(1) > 0).all()
    assert whisper_mel(sound * np.float32(0.01)) == pytest.approx(found, abs=1e-4)


@pytest.mark.parametrize("length", [0, 1, 100, 400])
def test_very_short_and_silent_sound_is_no_problem(length: int) -> None:
    assert np.isfinite(whisper_mel(np.ones(length, np.float32))).all()
    assert (whisper_mel(np.zeros(length, np.float32)) == 0).all()


def test_a_stream_gives_the_same_and_computes_less() -> None:
    sound = speechlike(4.0, 2)
    stream = WhisperMelStream()
    spans = [(0, 8000), (0, 16000), (0, 30000), (1600, 40000), (3200, 51200), (3200, 51200), (3201, 51201), (0, 4000)]
    for begin, end in spans:
        assert stream.read(sound[begin:end], begin) == pytest.approx(whisper_mel(sound[begin:end]), abs=1e-5)
    whole = sum(min(FRAMES, -(-(end - begin) // HOP)) for begin, end in spans)
    assert stream.transformed < 0.6 * whole
    other = speechlike(3.0, 9)
    assert stream.read(other, 0) == pytest.approx(whisper_mel(other), abs=1e-5)
