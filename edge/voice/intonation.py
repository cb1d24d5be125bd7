"""Intonation: functionals of the pitch track of an utterance.

They follow the pitch functionals of openSMILE (Schuller et al., INTERSPEECH 2009 Emotion Challenge) and GeMAPS (Eyben
et al., IEEE Trans. Affective Computing 7(2), 2016): level, range, movement and contour of the fundamental frequency in
semitones, and how voiced segments and pauses alternate.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.functionals import thirds
from edge.voice.pitch import Track

SIZE: Final = 37
"""Number of functionals per utterance."""

_SPEECH_RANGE_DB: Final = 40.0
"""A frame within 40 dB of the loudest one counts as speech; the utterance spans the first to the last such frame."""
_MIN_VOICED_FRAMES: Final = 8
"""With fewer voiced frames than this, all functionals are NaN."""
_QUANTILES: Final = (0.05, 0.2, 0.5, 0.8, 0.95)
"""Quantiles of the pitch that are part of the functionals."""
_COSINE_TERMS: Final = 6
"""Number of terms of the cosine transform that describe the pitch contour."""
_EDGE_FRAMES: Final = 5
"""Number of voiced frames at either end of the utterance whose mean pitch is a functional."""

_Floats = NDArray[np.float64]


def intonation(track: Track) -> NDArray[np.float32]:
    """Computes the functionals of a pitch track, (37,) float32; all are NaN with fewer than 8 voiced frames."""
    rows, pitch = track.voiced()
    if len(rows) < _MIN_VOICED_FRAMES:
        return np.full(SIZE, np.nan, np.float32)
    level = 10 * np.log10(track.power + 1e-12)
    spoken = np.flatnonzero(level > level.max() - _SPEECH_RANGE_DB)
    first, last = spoken[0], spoken[-1] + 1
    rows, level = rows - first, level[first:last]
    frames = len(level)
    mean = pitch.mean()
    # The pitch is interpolated linearly between voiced frames, so that contours can be compared.
    course = np.interp(np.arange(frames), rows, pitch) - mean
    parts = [
        *_level_and_range(pitch, mean),
        *_movement(pitch, rows),
        *_voicing(rows, frames),
        *_contour(course),
        _correlation(pitch, level[rows]),
        rows[pitch.argmax()] / frames,
        pitch[:_EDGE_FRAMES].mean() - mean,
        pitch[-_EDGE_FRAMES:].mean() - mean,
    ]
    return np.array(parts, np.float32)


def _level_and_range(pitch: _Floats, mean: float) -> list[float]:
    """13 values: mean, quantiles and extremes, standard deviation and ranges, skewness and kurtosis."""
    ordered = np.sort(pitch)
    quantiles = [ordered[round(share * (len(ordered) - 1))] for share in _QUANTILES]
    centred = pitch - mean
    deviation = float(np.sqrt((centred**2).mean()))
    skewness = (centred**3).mean() / (deviation**3 + 1e-3)
    kurtosis = (centred**4).mean() / (deviation**4 + 1e-3)
    ranges = [deviation, quantiles[4] - quantiles[0], quantiles[3] - quantiles[1]]
    return [mean, *quantiles, ordered[-1], ordered[0], *ranges, skewness, kurtosis]


def _movement(pitch: _Floats, rows: NDArray[np.int64]) -> list[float]:
    """6 values of the pitch steps between neighbouring frames.

    They are mean size, standard deviation, mean rise, mean fall, share of rises, and mean change from step to step.
    """
    steps = np.diff(pitch)[np.diff(rows) == 1]
    if not len(steps):
        return [0.0] * 6
    upward, downward = steps[steps > 0], steps[steps < 0]
    rise, fall = (float(part.mean()) if len(part) else 0.0 for part in (upward, downward))
    unrest = np.abs(np.diff(steps)).mean() if len(steps) > 1 else 0.0
    return [np.abs(steps).mean(), steps.std(), rise, fall, len(upward) / len(steps), unrest]


def _voicing(rows: NDArray[np.int64], frames: int) -> list[float]:
    """4 values: share of voiced frames, and the rate, mean length and greatest length of voiced segments."""
    breaks = np.flatnonzero(np.diff(rows) > 1)
    lengths = np.diff(np.concatenate([[0], breaks + 1, [len(rows)]]))
    return [len(rows) / frames, 10 * len(lengths) / frames, lengths.mean() / 10, lengths.max() / 10]


def _contour(course: _Floats) -> list[float]:
    """10 values of the pitch contour: means of its thirds, slope of the regression line, first cosine terms."""
    frames = len(course)
    return [*(course[part].mean() for part in thirds(frames)), *(_contour_basis(frames) @ course)]


@lru_cache(256)
def _contour_basis(frames: int) -> _Floats:
    """(7, frames): projects a contour onto its slope (per utterance) and its first cosine terms."""
    time = (np.arange(frames) + 0.5) / frames
    centred = time - 0.5
    waves = np.cos(np.pi * np.arange(1, _COSINE_TERMS + 1)[:, None] * time) / np.sqrt(frames)
    return np.concatenate([(centred / (centred @ centred))[None], waves])


def _correlation(one: _Floats, other: _Floats) -> float:
    """Pearson's correlation coefficient; 0 where one of the two is constant."""
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 1e-9 else 0.0
