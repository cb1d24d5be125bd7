"""The 34 short-term features against their definitions, written out window by window."""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.errors import MissingExtraError
from edge.voice.front_end import ShortTermInput, open_front_end
from edge.voice.pitch import pitch_track
from edge.voice.shortterm import COUNT, FRAMES, FRONT_END, NAMES, RATE, STEP, WINDOW, short_term

pytest.importorskip("python_speech_features", reason="no python_speech_features (pip install 'edge-emotion[mfcc]')")


def sound(seconds: float) -> NDArray[np.float32]:
    """A glide with noise that swells."""
    t = np.arange(round(seconds * RATE)) / RATE
    noise = np.random.default_rng(5).standard_normal(len(t))
    return np.asarray(0.3 * np.sin(2 * np.pi * (300 + 200 * t) * t) + 0.05 * t * noise, np.float32)


def entropy(values: list[float], blocks: int = 10) -> float:
    size, total = len(values) // blocks, sum(values)
    shares = [sum(values[i * size : (i + 1) * size]) / (total + 1e-8) for i in range(blocks)]
    return -sum(share * math.log2(share + 1e-8) for share in shares)


def magnitudes(window: NDArray[np.float64]) -> list[float]:
    return [float(v) for v in np.abs(np.fft.fft(window))[: len(window) // 2] / (len(window) // 2)]


def written_out(window: NDArray[np.float64], before: NDArray[np.float64] | None) -> list[float]:
    """Time and spectral features as Giannakopoulos & Pikrakis define them, one by one."""
    x = window.tolist()
    crossings = sum(abs(np.sign(b) - np.sign(a)) for a, b in pairwise(x)) / 2 / (len(x) - 1)
    spectrum = [float(v) for v in np.abs(np.fft.fft(window))[: len(x) // 2] / (len(x) // 2)]
    other = (
        spectrum if before is None else [float(v) for v in np.abs(np.fft.fft(before))[: len(x) // 2] / (len(x) // 2)]
    )
    hertz = [(k + 1) * RATE / len(x) for k in range(len(spectrum))]
    total = sum(spectrum)
    centroid = sum(h * s for h, s in zip(hertz, spectrum, strict=True)) / total
    spread = math.sqrt(sum((h - centroid) ** 2 * s for h, s in zip(hertz, spectrum, strict=True)) / total)
    flux = sum((a / total - b / sum(other)) ** 2 for a, b in zip(spectrum, other, strict=True))
    energy, below, roll_off = sum(s * s for s in spectrum), 0.0, 0
    for k, s in enumerate(spectrum):
        below += s * s
        if below > 0.9 * energy:
            roll_off = k
            break
    return [
        *(crossings, sum(v * v for v in x) / len(x), entropy([v * v for v in x])),
        *(centroid / 8000, spread / 8000, entropy([s * s for s in spectrum]), flux, roll_off / len(spectrum)),
    ]


def test_time_and_spectral_features_equal_their_definitions() -> None:
    samples = sound(0.9)
    found = short_term(samples)
    windows = [samples[i * STEP : i * STEP + WINDOW].astype(np.float64) for i in range(8)]
    for index in (0, 1, 7):
        before = windows[index - 1] if index else None
        assert found[index, :8] == pytest.approx(written_out(windows[index], before), rel=1e-3, abs=1e-6)


def test_cepstra_are_the_librarys() -> None:
    from python_speech_features import mfcc

    samples = sound(1.5)
    expected = mfcc(samples.astype(np.float64) * 32768, RATE, 0.2, 0.1, 13, nfft=4096)
    found = short_term(samples)
    count = (len(samples) - WINDOW) // STEP + 1
    assert found[:count, 8:21] == pytest.approx(expected[:count], rel=1e-4, abs=1e-3)


@pytest.mark.parametrize(("hertz", "note"), [(440.0, "A"), (880.0, "A"), (523.25, "C"), (1318.5, "E"), (739.99, "F#")])
def test_a_tone_is_its_note(hertz: float, note: str) -> None:
    t = np.arange(RATE) / RATE
    found = short_term(np.asarray(0.5 * np.sin(2 * np.pi * hertz * t), np.float32))
    chroma = found[2, 21:33]
    assert NAMES[21 + int(chroma.argmax())] == f"chroma {note}"
    assert found[2, 33] == pytest.approx(chroma.std(), rel=1e-4)


def test_a_frame_every_tenth_of_a_second_and_nothing_beyond_the_sound() -> None:
    for seconds, count in ((0.0, 0), (0.19, 0), (0.2, 1), (1.05, 9), (10.1, 100), (30.0, 100)):
        found = short_term(sound(seconds))
        assert found.shape == (FRAMES, COUNT) == (100, 34)
        assert np.isfinite(found).all()
        assert (found.any(1) == (np.arange(FRAMES) < count)).all()


def test_silence_gives_numbers() -> None:
    assert np.isfinite(short_term(np.zeros(RATE, np.float32))).all()


def test_a_card_can_name_it() -> None:
    front_end = open_front_end(FRONT_END, "m")
    assert isinstance(front_end, ShortTermInput)
    assert (front_end.read(sound(1.0), 0, pitch_track(sound(1.0)))[0] == short_term(sound(1.0))).all()


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_speech_features", None)
    with pytest.raises(MissingExtraError, match=r"pip install .*python-speech-features"):
        short_term(sound(1.0))
