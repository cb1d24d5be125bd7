"""The pitch of a voice that is at hand as a log-mel only, as CREMA-D's.

A small net over time tells it, learnt where both are there (`models.voice.train_melpitch`). Only training and
evaluation need it: the device hears the sound itself (`edge.voice.pitch`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax
from edge.voice.logmel import FLOOR_DB, FRAMES, HOP, RATE
from edge.voice.pitch import LOWEST_HZ, STEP_S, Track, without_quiet

FILE: Final = Path(__file__).parents[1] / "folds" / "melpitch.tflite"
BANDS: Final = 40
"""The lowest ones are looked at, up to 3 kHz."""
BINS_AN_OCTAVE: Final = 24
BINS: Final = 74
"""60…500 Hz; before them stands the class without pitch."""
_REACH: Final = 3
"""Bins on either side of the best that its place is the mean of."""
_UNVOICED: Final = 0.7
"""Posterior of no pitch below which a frame has one: the net is shy of what was recorded elsewhere."""
_YIN_CENTRE_S: Final = 0.025
"""Middle of the first frame of a track."""

_Array = NDArray[np.float32]


def as_input(mel: _Array) -> _Array:
    """(1, 188, 40): the low bands of a (64, 188) log-mel, less their mean in each frame."""
    low = mel[:BANDS].T
    return np.asarray(low - low.mean(1, keepdims=True), np.float32)[None]


def bins(track: Track) -> NDArray[np.int64]:
    """(188,): in which class each frame of the log-mel is by a track of the same sound; 0 has no pitch."""
    found = np.zeros(FRAMES, np.int64)
    if not len(track.hertz):
        return found
    place = np.rint((np.arange(FRAMES) * HOP / RATE - _YIN_CENTRE_S) / STEP_S).astype(int)
    hertz = track.hertz[np.clip(place, 0, len(track.hertz) - 1)]
    voiced = np.isfinite(hertz) & (place <= len(track.hertz))
    octaves = np.log2(hertz[voiced] / LOWEST_HZ)
    found[voiced] = 1 + np.clip(np.rint(BINS_AN_OCTAVE * octaves).astype(int), 0, BINS - 1)
    return found


def track(mel: _Array, logits: _Array) -> Track:
    """What a track of the sound would be like: from a (64, 188) log-mel and the net's (188, 75) about it."""
    posterior = softmax(logits, 1.0)
    best = posterior[:, 1:].argmax(1)
    around = np.clip(best[:, None] + np.arange(-_REACH, _REACH + 1), 0, BINS - 1)
    weight = np.take_along_axis(posterior[:, 1:], around, 1)
    hertz = LOWEST_HZ * 2 ** ((weight * around).sum(1) / weight.sum(1) / BINS_AN_OCTAVE)
    power = (10 ** ((mel - 1) * -FLOOR_DB / 10)).sum(0).astype(np.float64)
    found = without_quiet(np.where(posterior[:, 0] < _UNVOICED, hertz, np.nan), power)
    sounding = np.flatnonzero(mel.max(0) > 0)
    ends_s = (sounding[-1] if len(sounding) else 0) * HOP / RATE
    times = np.arange(_YIN_CENTRE_S, ends_s, STEP_S)
    frames = np.rint(times * RATE / HOP).astype(int)
    return Track(found.hertz[frames], found.power[frames])


class MelPitch:
    """The trained net. Not thread-safe."""

    def __init__(self, path: Path = FILE) -> None:
        """Raises `ModelError`."""
        self._interpreter, self.card = open_model(path)

    def track(self, mel: _Array) -> Track:
        """Of a (64, 188) log-mel."""
        return track(mel, self._interpreter.run(as_input(mel))[0][0])
