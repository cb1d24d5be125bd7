"""Random augmentation of log-mels, as in `models.voice.training.augment` with rooms, and how it moves the time."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import BANDS, FLOOR_DB, FRAMES, HOP, RATE
from models.voice.training.augment import equaliser, noise

_RANGE_DB: Final = np.float32(-FLOOR_DB)
"""Dynamic range of a log-mel, dB."""
_SHORTEST: Final = 31
"""Shortest crop, frames (0.5 s), because the device reads utterances as short as that."""


def timed(mel: NDArray[np.float32], rng: np.random.Generator) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """A random variant of a log-mel, and how its time relates to that of the original.

    There is no masking as in SpecAugment, because the functionals would then contain statistics of the mask.

    Args:
        mel: (64, 188) in 0…1.
        rng: Source of randomness.

    Returns:
        (64, 188) in 0…1, relative to its loudest cell; and (a, b): its frame t is frame a·t + b of `mel`.
    """
    mel, start = _crop(mel, rng) if rng.random() < 0.3 else (mel, 0)
    mel, (rate, begin) = _warp(mel, rng)
    decibels = (mel - 1) * _RANGE_DB
    decibels += equaliser(rng)[:, None] * (mel > 0)
    sounding = mel.max(0) > 0
    if sounding.any():
        if rng.random() < 0.3:
            decibels[:, sounding] = _reverberation(decibels[:, sounding], rng)
        if rng.random() < 0.3:
            decibels[:, sounding] = noise(decibels[:, sounding], rng)
    decibels -= decibels.max()
    return np.asarray(np.clip(decibels / _RANGE_DB + 1, 0, 1), np.float32), (rate, start + begin)


def _crop(mel: NDArray[np.float32], rng: np.random.Generator) -> tuple[NDArray[np.float32], int]:
    """A random crop of at least 0.5 s, moved to the start, and the frame at which it began."""
    sounding = int(np.flatnonzero(mel.max(0) > 0).max(initial=0)) + 1
    if sounding <= _SHORTEST:
        return mel, 0
    length = int(rng.integers(_SHORTEST, sounding + 1))
    start = int(rng.integers(0, sounding - length + 1))
    cropped = np.zeros_like(mel)
    cropped[:, :length] = mel[:, start : start + length]
    return cropped, start


def _warp(mel: NDArray[np.float32], rng: np.random.Generator) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Changes the tempo by up to a seventh; stretches and shifts the bands as another vocal tract and pitch would.

    Also returns a and b: frame t is frame a·t + b of `mel`.
    """
    tempo, spread = float(np.exp(rng.uniform(-0.15, 0.15))), np.exp(rng.uniform(-0.08, 0.08))
    shift = rng.uniform(-6, 6)
    matrix = np.array([[tempo, 0, shift], [0, spread, rng.uniform(-1.5, 1.5)]])
    warped = cv2.warpAffine(mel, matrix, (FRAMES, BANDS), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(warped, np.float32), (1 / tempo, -shift / tempo)


def _reverberation(decibels: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Adds the decaying tail of a room with a reverberation time of 0.15 to 0.9 s, in the power domain."""
    power = np.power(np.float32(10), decibels / 10)
    decay = 10 ** (-6 * HOP / RATE / rng.uniform(0.15, 0.9))
    share = 10 ** (rng.uniform(-12, 3) / 10) * (1 - decay)
    tail, found = np.zeros(len(power), np.float32), power.copy()
    for frame in range(power.shape[1]):
        found[:, frame] += share * tail
        tail = decay * (tail + power[:, frame])
    return np.asarray(10 * np.log10(found), np.float32)
