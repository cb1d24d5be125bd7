"""Clips as they would have been recorded in a noisy place: steady or swelling noise of a random colour, some hum.

The noise is made up, not recorded: what the noises of the data page do to the voice sense
(`models.voice.protocols.noise`) is measured on sounds that no net was trained on.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import BANDS, FLOOR_DB, HOP, RATE, WINDOW, mel_filters
from models.voice.clips import Mel, Recorded, Sound
from models.voice.training.levels import active_power

SNR_DB: Final = (3.0, 35.0)
"""Active speech against noise, drawn evenly."""

_TILT_DB: Final = (-9.0, 1.0)
"""Of the noise, an octave: fans and streets rumble more than they hiss."""
_WAVE_DB: Final = 6.0
_STEADY: Final = 0.4
_BURSTS: Final = 0.15
_PAUSE_DB: Final = 25.0
_HUM: Final = 0.2
_LOUD_DB: Final = 30.0
"""Cells of a log-mel so far below the loudest frame are no speech."""

_Array = NDArray[np.float64]


def noisy(recorded: Recorded, rng: np.random.Generator) -> Recorded:
    """The same clip in noise; a clip without any sound comes back as it is."""
    return _sound(recorded, rng) if recorded.ndim == 1 else _mel(recorded, rng)


def _sound(speech: Sound, rng: np.random.Generator) -> Sound:
    noise = _coloured(len(speech), rng) * 10 ** (_course(len(speech), RATE, rng) / 20)
    if rng.random() < _HUM:
        noise = noise / (noise.std() + 1e-9) * rng.uniform(0, 1) + _hum(len(speech), rng)
    wanted = active_power(speech) * 10 ** (-rng.uniform(*SNR_DB) / 10)
    return np.asarray(speech + noise * np.sqrt(wanted / max(1e-12, float(np.mean(noise**2)))), np.float32)


def _mel(mel: Mel, rng: np.random.Generator) -> Mel:
    sounding = np.flatnonzero(mel.max(0) > 0)
    if not len(sounding):
        return mel
    part = slice(sounding[0], sounding[-1] + 1)
    speech = 10 ** ((mel[:, part].astype(np.float64) - 1) * -FLOOR_DB / 10)
    frames = speech.sum(0)
    bands = (mel_filters() @ (10 ** (_colour(WINDOW, rng) / 10))).reshape(BANDS, -1).mean(1)
    course = 10 ** (_course(speech.shape[1], RATE / HOP, rng) / 10)
    # Cells of a short-time spectrum of Gaussian noise are exponentially distributed.
    noise = bands[:, None] * course * rng.standard_exponential(speech.shape)
    wanted = frames[frames > frames.max() / 10 ** (_LOUD_DB / 10)].mean() * 10 ** (-rng.uniform(*SNR_DB) / 10)
    decibels = 10 * np.log10(speech + noise * wanted / noise.sum(0).mean())
    found = mel.copy()
    found[:, part] = np.clip((decibels - decibels.max()) / -FLOOR_DB + 1, 0, 1)
    return found


def _coloured(length: int, rng: np.random.Generator) -> _Array:
    """(length,) Gaussian noise of a random spectrum."""
    whole = 1 << max(1, length - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(whole))
    spectrum *= 10 ** (_colour(whole, rng) / 20)
    return np.asarray(np.fft.irfft(spectrum)[:length])


def _colour(window: int, rng: np.random.Generator) -> _Array:
    """dB in each bin of the spectrum of so many samples: a tilt and two waves."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(window, 1 / RATE), 60.0) / 1000)
    found = np.asarray(rng.uniform(*_TILT_DB) * octaves)
    for _ in range(2):
        found += rng.uniform(0, _WAVE_DB) * np.sin(rng.uniform(0, 2 * np.pi) + octaves * rng.uniform(0.5, 3))
    return found


def _course(length: int, rate: float, rng: np.random.Generator) -> _Array:
    """(length,) dB over time at `rate` a second: steady, swelling, or with pauses."""
    kind = rng.random()
    if kind < _STEADY:
        return np.zeros(length)
    place = np.arange(length) / (rate * rng.uniform(0.05, 0.5))
    knots = np.arange(max(2, int(place[-1] if length else 0) + 2))
    found = np.interp(place, knots, rng.normal(0, 1, len(knots))) * rng.uniform(1, 8)
    if kind > 1 - _BURSTS:
        found -= _PAUSE_DB * np.interp(place, knots, (rng.random(len(knots)) < 0.6).astype(np.float64))
    return np.asarray(found)


def _hum(length: int, rng: np.random.Generator) -> _Array:
    """(length,): a mains or motor tone and its harmonics."""
    phase = 2 * np.pi * rng.uniform(50, 400) * np.arange(length) / RATE
    found = np.zeros(length)
    for harmonic in range(1, 9):
        found += np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi)) * rng.uniform(0, 1) / harmonic
    return found
