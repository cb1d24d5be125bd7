"""Random augmentation of log-mels: vocal tract, tempo, room, microphone, noise and cropping."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import BANDS, FLOOR_DB, FRAMES

_RANGE_DB: Final = np.float32(-FLOOR_DB)
"""Dynamic range of a log-mel, dB."""
_SHORTEST: Final = 50
"""Shortest crop, frames (0.8 s), because the device reads utterances as short as that."""


def augment(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random variant of a (64, 188) log-mel in 0…1, again relative to its loudest cell.

    There is no masking as in SpecAugment, because the functionals would then contain statistics of the mask.
    """
    mel = _crop(mel, rng) if rng.random() < 0.3 else mel
    mel = _warp(mel, rng)
    decibels = (mel - 1) * _RANGE_DB
    decibels += equaliser(rng)[:, None] * (mel > 0)
    sounding = mel.max(0) > 0
    if sounding.any() and rng.random() < 0.3:
        decibels[:, sounding] = noise(decibels[:, sounding], rng)
    decibels -= decibels.max()
    return np.asarray(np.clip(decibels / _RANGE_DB + 1, 0, 1), np.float32)


def _crop(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random crop of at least 0.8 s, moved to the start."""
    sounding = int(np.flatnonzero(mel.max(0) > 0).max(initial=0)) + 1
    if sounding <= _SHORTEST:
        return mel
    length = int(rng.integers(_SHORTEST, sounding + 1))
    start = int(rng.integers(0, sounding - length + 1))
    cropped = np.zeros_like(mel)
    cropped[:, :length] = mel[:, start : start + length]
    return cropped


def _warp(mel: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Changes the tempo by up to a seventh; stretches and shifts the bands as another vocal tract and pitch would."""
    tempo, spread = np.exp(rng.uniform(-0.15, 0.15)), np.exp(rng.uniform(-0.08, 0.08))
    matrix = np.array([[tempo, 0, rng.uniform(-6, 6)], [0, spread, rng.uniform(-1.5, 1.5)]])
    warped = cv2.warpAffine(mel, matrix, (FRAMES, BANDS), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(warped, np.float32)


def equaliser(rng: np.random.Generator) -> NDArray[np.float32]:
    """Random frequency response (64,) of a microphone and room: a tilt and one broad wave, decibels."""
    band = np.linspace(-1, 1, BANDS)
    wave = np.sin(rng.uniform(0, 2 * np.pi) + band * rng.uniform(1, 4))
    return np.asarray(rng.uniform(-4, 4) * band + rng.uniform(0, 2) * wave, np.float32)


def noise(decibels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Adds stationary noise with a random spectrum, 15 to 60 dB below the loudest cell, in the power domain."""
    level = decibels.max() - rng.uniform(20, 60)
    spectrum = level + rng.uniform(-12, 4) * np.linspace(-0.5, 0.5, BANDS)[:, None]
    # Cells of a short-time spectrum of Gaussian noise are exponentially distributed.
    grain = rng.standard_exponential(decibels.shape, np.float32)
    power = np.power(10, (spectrum / 10).astype(np.float32)) * grain + np.power(10, decibels / 10)
    return np.asarray(10 * np.log10(power), np.float32)
