"""Fits the prediction of the sound from a mouth, and computes the features of planned scenes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.speaker.envelope import levels
from edge.speaker.synchrony import LAGS, MEASURES, STEP_S, Scale, features_of, lagged, motion_of, sound_between
from models.speaker.choice import Choice
from models.speaker.clips import RATE, Clip
from models.speaker.compose import sound
from models.speaker.scenes import FPS, Scene

RIDGE: Final = 3.0
"""Penalty of the prediction's weights, relative to signals of unit power."""
_EDGE_S: Final = 0.2
"""Seconds around the speech of a clip that the prediction learns from, too."""
LANDMARK_NOISE: Final = 0.004
"""Standard deviation of the noise added to the measures, in eye distances: that of a smaller face in a scene."""


def sound_rows(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns (n, 4): time, level, middle level and 1, for each 10 ms of (m,) samples at 16 kHz."""
    step = RATE // 100
    whole = len(samples) // step
    padded = np.concatenate([np.zeros(step, np.float32), samples[: whole * step]])
    return np.array([((i + 1) / 100, *levels(padded[i * step : (i + 2) * step]), 1.0) for i in range(whole)])


def mouth_rows(mouths: NDArray[np.float64], fps: float) -> NDArray[np.float64]:
    """Returns (n, 7) rows as `edge.speaker.memory` keeps them, of measures (n, 5) at `fps`."""
    times = np.arange(len(mouths)) / fps
    return np.column_stack([times, mouths, np.full(len(mouths), 0.5)])


def scale_of(clips: Sequence[Clip]) -> Scale:
    """Fits the prediction of the sound from the mouth by ridge regression over the speech of the clips."""
    motions, rises = [], []
    for clip in clips:
        begin, end = clip.speech[0][0] - _EDGE_S, clip.speech[-1][1] + _EDGE_S
        heard = sound_between(sound_rows(clip.sound), begin, end)
        assert heard is not None
        motion, seen = motion_of(mouth_rows(clip.mouths, clip.fps), heard.times)
        used = heard.compared & seen
        motions.append(lagged(motion)[used])
        rises.append(heard.rise[used])
    motion, rise = np.concatenate(motions), np.concatenate(rises)
    spread, height = np.sqrt(np.square(motion).mean((0, 1))), np.sqrt(np.square(rise).mean(0))
    x = (motion / spread).reshape(len(motion), -1)
    y = rise / height
    weights = np.linalg.solve(x.T @ x / len(x) + RIDGE * np.eye(x.shape[1]), x.T @ y / len(x))
    # Ridge regression shrinks the prediction; the gain that fits best restores its size.
    predicted = x @ weights
    weights = weights * (predicted * y).sum() / np.square(predicted).sum()
    return Scale(spread, height, weights.reshape(len(LAGS), MEASURES, -1))


def scene_rows(scene: Scene, clips: Sequence[Clip]) -> list[NDArray[np.float64]]:
    """Returns the mouth rows of each face of a scene, from the measures of its clip, with the noise of small faces."""
    rng = np.random.default_rng(scene.seed + 2)
    found = []
    for face in scene.faces:
        mouths = clips[face.clip].mouths[face.frames]
        noise = rng.normal(0, LANDMARK_NOISE, (len(mouths), MEASURES)) * mouths[:, 4:]
        found.append(mouth_rows(np.column_stack([mouths[:, :MEASURES] + noise, mouths[:, 4]]), FPS))
    return found


def choices(
    scene: Scene,
    clips: Sequence[Clip],
    noises: Sequence[NDArray[np.float32]],
    scales: Mapping[str, Scale],
    spans: Sequence[tuple[float, float, int]],
) -> list[Choice]:
    """Computes the features of some spans of a scene.

    Args:
        scene: The scene.
        clips: All clips.
        noises: Recordings of noise.
        scales: Talker → the prediction that is used for this talker's faces.
        spans: Begin, end and speaker of each span.
    """
    heard_rows = sound_rows(sound(scene, clips, noises))
    mouths = scene_rows(scene, clips)
    found = []
    for begin, end, speaker in spans:
        heard = sound_between(heard_rows[heard_rows[:, 0] <= end], begin, end)
        if heard is None:
            continue
        rows = []
        for index, face in enumerate(scene.faces):
            seen = mouths[index][mouths[index][:, 0] <= end]
            rows += list(features_of(heard, {index: seen}, scales[clips[face.clip].talker])[0].values())
        if len(rows) == len(scene.faces):
            found.append(Choice(np.array(rows), float(heard.compared.sum() * STEP_S), speaker, scene.kind))
    return found
