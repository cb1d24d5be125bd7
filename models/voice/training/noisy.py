"""Adds synthetic noise to clips: steady or fluctuating noise with a random spectrum, sometimes with hum.

The noise is synthetic so that the recorded noises used in `models.voice.protocols.noise` do not occur in training.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import BANDS, FLOOR_DB, HOP, RATE, WINDOW, mel_filters
from models.voice.clips import Mel, Recorded, Sound
from models.voice.training.levels import active_power

SNR_DB: Final = (3.0, 35.0)
"""Range of the signal-to-noise ratio of active speech, dB; it is drawn uniformly."""

_TILT_DB: Final = (-9.0, 1.0)
"""Range of the spectral tilt, dB per octave; it is mostly negative, as in the noise of fans and streets."""
_WAVE_DB: Final = 6.0
"""Highest amplitude of each of the two waves in the spectrum, dB."""
_STEADY: Final = 0.4
"""Probability of noise with a constant level."""
_BURSTS: Final = 0.15
"""Probability of noise with pauses."""
_PAUSE_DB: Final = 25.0
"""Attenuation of the noise in its pauses, dB."""
_HUM: Final = 0.2
"""Probability that hum is added."""
_LOUD_DB: Final = 30.0
"""Frames of a log-mel within this range below the loudest frame count as speech, dB."""

_Array = NDArray[np.float64]


def noisy(recorded: Recorded, rng: np.random.Generator, snr_db: tuple[float, float] = SNR_DB) -> Recorded:
    """The clip in noise; a silent log-mel is returned unchanged.

    Args:
        recorded: The clip.
        rng: Source of randomness.
        snr_db: Range of the signal-to-noise ratio of active speech, dB.
    """
    return _sound(recorded, rng, snr_db) if recorded.ndim == 1 else _mel(recorded, rng, snr_db)


def _sound(speech: Sound, rng: np.random.Generator, snr_db: tuple[float, float]) -> Sound:
    noise = _coloured(len(speech), rng) * 10 ** (_course(len(speech), RATE, rng) / 20)
    if rng.random() < _HUM:
        noise = noise / (noise.std() + 1e-9) * rng.uniform(0, 1) + _hum(len(speech), rng)
    wanted = active_power(speech) * 10 ** (-rng.uniform(*snr_db) / 10)
    return np.asarray(speech + noise * np.sqrt(wanted / max(1e-12, float(np.mean(noise**2)))), np.float32)


def _mel(mel: Mel, rng: np.random.Generator, snr_db: tuple[float, float]) -> Mel:
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
    wanted = frames[frames > frames.max() / 10 ** (_LOUD_DB / 10)].mean() * 10 ** (-rng.uniform(*snr_db) / 10)
    decibels = 10 * np.log10(speech + noise * wanted / noise.sum(0).mean())
    found = mel.copy()
    found[:, part] = np.clip((decibels - decibels.max()) / -FLOOR_DB + 1, 0, 1)
    return found


def _coloured(length: int, rng: np.random.Generator) -> _Array:
    """(length,) Gaussian noise with a random spectrum."""
    whole = 1 << max(1, length - 1).bit_length()
    spectrum = np.fft.rfft(rng.standard_normal(whole))
    spectrum *= 10 ** (_colour(whole, rng) / 20)
    return np.asarray(np.fft.irfft(spectrum)[:length])


def _colour(window: int, rng: np.random.Generator) -> _Array:
    """Random spectrum in dB for each bin of a `window`-sample Fourier transform: a tilt and two waves."""
    octaves = np.log2(np.maximum(np.fft.rfftfreq(window, 1 / RATE), 60.0) / 1000)
    found = np.asarray(rng.uniform(*_TILT_DB) * octaves)
    for _ in range(2):
        found += rng.uniform(0, _WAVE_DB) * np.sin(rng.uniform(0, 2 * np.pi) + octaves * rng.uniform(0.5, 3))
    return found


def _course(length: int, rate: float, rng: np.random.Generator) -> _Array:
    """(length,) level over time in dB at `rate` values per second: steady, fluctuating, or with pauses."""
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
    """(length,) hum of mains or a motor: a tone and its harmonics."""
    phase = 2 * np.pi * rng.uniform(50, 400) * np.arange(length) / RATE
    found = np.zeros(length)
    for harmonic in range(1, 9):
        found += np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi)) * rng.uniform(0, 1) / harmonic
    return found
