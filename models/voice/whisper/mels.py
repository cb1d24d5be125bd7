"""Whisper's log-mels of clips, of CREMA-D from its coarser log-mel, and their augmentation."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.voice import logmel
from edge.voice.logmel import RATE
from edge.voice.whisper_mel import BANDS, FLOOR_DB, FRAMES, HOP, whisper_mel
from models.voice.clips import Mel, Recorded, Sound
from models.voice.training.noisy import noisy

LEVELS: Final = 252
"""Highest level of a log-mel stored as bytes."""
WINDOW_S: Final = 3.0
"""Length of a window of a long clip, seconds."""
STRIDE_S: Final = 1.5
"""Seconds from one window of a long clip to the next."""
SNR_DB: Final = (-3.0, 30.0)
"""Range of the signal-to-noise ratio of variants in noise, dB."""
_COARSE: Final = 0.4
"""Probability that a variant of a clip that is stored as sound passes through CREMA-D's coarser log-mel."""
_CROP: Final = 0.35
"""Probability that a variant is a part of the clip."""
_SHORTEST: Final = 80
"""Shortest part, frames (0.8 s)."""
_NARROW: Final = 0.15
"""Probability that a variant has lost its high bands, as behind a narrow-band channel."""


def windows(sound: Sound) -> list[Sound]:
    """The windows of at most 3 s, 1.5 s apart, that cover a clip; the last one ends with the clip."""
    length, stride = round(WINDOW_S * RATE), round(STRIDE_S * RATE)
    if len(sound) <= length:
        return [sound]
    starts = [*range(0, len(sound) - length, stride), len(sound) - length]
    return [sound[start : start + length] for start in starts]


def fine(recorded: Recorded) -> Mel:
    """(300, 80) log-mel in 0…1 of a clip's first 3 s, computed from sound or interpolated from a (64, 188) log-mel."""
    return whisper_mel(recorded) if recorded.ndim == 1 else from_coarse(recorded)


def from_coarse(mel: Mel) -> Mel:
    """The (300, 80) log-mel closest to a (64, 188) one of `edge.voice.logmel`: linear interpolation of decibels.

    Band centres are equally spaced in mel in both. The coarse windows of 64 ms smear what the fine ones of 25 ms
    resolve, which interpolation cannot undo.
    """
    sounding = int(np.flatnonzero(mel.max(0) > 0).max(initial=-1)) + 1
    found = np.zeros((FRAMES, BANDS), np.float32)
    # The last coarse windows reach up to half their length beyond the sound.
    frames = min(FRAMES, max(0, (sounding - 1) * logmel.HOP - logmel.WINDOW // 2) // HOP + 1)
    if sounding and frames:
        coarse = (2 * np.arange(logmel.BANDS) + 1.5) / (2 * logmel.BANDS + 1)
        band = np.interp(np.arange(1, BANDS + 1) / (BANDS + 1), coarse, np.arange(logmel.BANDS))
        time = np.arange(frames) * HOP / logmel.HOP
        columns, rows = np.meshgrid(time.astype(np.float32), band.astype(np.float32), indexing="ij")
        found[:frames] = cv2.remap(mel, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        found[:frames] += 1 - found.max()
    return np.clip(found, 0, 1)


def variant(recorded: Recorded, rng: np.random.Generator, in_noise: bool) -> Mel:
    """A random variant of a clip: another part, tempo, vocal tract, channel and, if asked for, noise.

    Args:
        recorded: The clip.
        rng: Source of randomness.
        in_noise: Whether noise of `SNR_DB` is added.

    Returns:
        (300, 80) log-mel in 0…1.
    """
    if recorded.ndim == 1 and len(recorded) > WINDOW_S * RATE:
        start = int(rng.integers(0, len(recorded) - round(WINDOW_S * RATE)))
        recorded = recorded[start : start + round(WINDOW_S * RATE)]
    if in_noise:
        recorded = noisy(recorded, rng, SNR_DB)
    if recorded.ndim == 1 and rng.random() < _COARSE:
        recorded = logmel.logmel(recorded)
    return augment(fine(recorded), rng)


def augment(mel: Mel, rng: np.random.Generator) -> Mel:
    """A random variant of a (300, 80) log-mel in 0…1, again relative to its loudest cell."""
    frames = int(np.flatnonzero(mel.max(1) > 0).max(initial=-1)) + 1
    if frames < 2:
        return mel
    begin, end = 0, frames
    if frames > _SHORTEST and rng.random() < _CROP:
        length = int(rng.integers(_SHORTEST, frames + 1))
        begin = int(rng.integers(0, frames - length + 1))
        end = begin + length
    part = _warped(mel[begin:end], rng)
    decibels = (part - 1) * np.float32(-FLOOR_DB) + _channel(rng)
    found = np.zeros_like(mel)
    found[: len(part)] = np.clip((decibels - decibels.max()) / np.float32(-FLOOR_DB) + 1, 0, 1)
    return found


def _warped(part: Mel, rng: np.random.Generator) -> Mel:
    """Changes the tempo by up to a seventh; stretches and shifts the bands as another vocal tract and pitch would."""
    tempo, spread = np.exp(rng.uniform(-0.15, 0.15)), np.exp(rng.uniform(-0.08, 0.08))
    frames = int(np.clip(round(len(part) * tempo), 2, FRAMES))
    matrix = np.array([[spread, 0, rng.uniform(-1.8, 1.8)], [0, tempo, 0]])
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    return np.asarray(cv2.warpAffine(part, matrix, (BANDS, frames), flags=flags, borderMode=border), np.float32)


def _channel(rng: np.random.Generator) -> NDArray[np.float32]:
    """Random frequency response (80,) of microphone and room in decibels: a tilt, a broad wave, at times a low-pass."""
    band = np.linspace(-1, 1, BANDS)
    response = rng.uniform(-6, 6) * band
    response += rng.uniform(0, 3) * np.sin(rng.uniform(0, 2 * np.pi) + band * rng.uniform(1, 5))
    if rng.random() < _NARROW:
        response -= np.clip(np.arange(BANDS) - rng.integers(50, BANDS), 0, 10) * 6.0
    return np.asarray(response, np.float32)
