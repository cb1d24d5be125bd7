"""Pitch estimation from a log-mel, for clips such as CREMA-D's that are not available as sound.

A small convolutional network over time estimates it; `models.voice.train_melpitch` trains it on clips with both forms.
Only training and evaluation need it: the device estimates pitch from the sound (`edge.voice.pitch`).
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
"""Path of the trained network."""
BANDS: Final = 40
"""Number of lowest mel bands that the network reads, up to 3 kHz."""
BINS_AN_OCTAVE: Final = 24
"""Pitch bins per octave."""
BINS: Final = 74
"""Number of pitch bins, 60…500 Hz; class 0 before them means unvoiced."""
_REACH: Final = 3
"""The pitch is the weighted mean over this many bins on either side of the most probable one."""
_UNVOICED: Final = 0.7
"""A frame is voiced if the posterior of the unvoiced class is below this; above one half, because the network
underestimates voicing in recordings from other rooms."""
_YIN_CENTRE_S: Final = 0.025
"""Centre of the first frame of a pitch track, seconds."""

_Array = NDArray[np.float32]


def as_input(mel: _Array) -> _Array:
    """Input (1, 188, 40): the low bands of a (64, 188) log-mel minus their mean in each frame."""
    low = mel[:BANDS].T
    return np.asarray(low - low.mean(1, keepdims=True), np.float32)[None]


def bins(track: Track) -> NDArray[np.int64]:
    """(188,) pitch class of each log-mel frame, from the pitch track of the same sound; 0 is unvoiced."""
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
    """Estimated pitch track from a (64, 188) log-mel and the network's logits (188, 75) for it."""
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
    """The trained network as a pitch estimator. Not thread-safe."""

    def __init__(self, path: Path = FILE) -> None:
        """Opens the model file. Raises `ModelError`."""
        self._interpreter, self.card = open_model(path)

    def track(self, mel: _Array) -> Track:
        """Pitch track of a (64, 188) log-mel."""
        return track(mel, self._interpreter.run(as_input(mel))[0][0])
