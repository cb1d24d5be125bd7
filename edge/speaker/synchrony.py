"""Compares the motion of a mouth with the rise and fall of the sound over a span of time.

The opening of the mouth and the level of the sound rise and fall together, the mouth about 40 ms ahead. So the sound's
rise is predicted from the motion of each mouth, and the prediction is compared with the sound that was heard. The idea
follows Slaney & Covell, "FaceSync", NIPS 2000; the features are our own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.speaker.utterances import smooth, threshold

STEP_S: Final = 0.04
"""Step in seconds of the time grid to which mouths and sound are brought."""
LAGS: Final = range(-2, 5)
"""Steps by which the mouth precedes the sound: from 80 ms after it to 160 ms before it."""
MEASURES: Final = 4
"""Number of measures of a mouth: gap, width, jaw and lower lip."""
BANDS: Final = 2
"""Number of levels of the sound: all of it, and its middle band."""
LONGEST_S: Final = 4.0
"""Maximum length of a span in seconds; of a longer one, the end is compared."""
FEATURES: Final = ("motion", "synchrony")
"""Names of the features of one mouth, in their order.

`motion` is the logarithm of the power of the mouth's motion, which is limited from above: that a mouth moves at all
tells more than how much. `synchrony` is the correlation of predicted and heard rise times the square root of the
seconds compared, since the deviation of a chance correlation falls with it; it is reduced for a mouth that hardly
moves.
"""

_RANGE: Final = 3.5
"""Levels more than this many decades (35 dB) below the loudest sound of the last seconds count as silence."""
_MARGIN_STEPS: Final = 3
"""Steps around active sound that are compared, because onsets and ends tell most."""
_MAX_GAP_S: Final = 0.3
"""A mouth that is not seen for longer than this is not compared in that time."""
_LEAST_S: Final = 0.2
"""A mouth that is compared for less than this many seconds has no features."""
_PRIOR_HEARD, _PRIOR_EXPECTED = 1.2, 0.3
"""Added to the energies of heard and predicted rise, so that the correlation of short or still signals is small."""
_LEAST_MOTION: Final = 0.01
"""Power of motion, relative to speech, that is added to each: the noise of the landmarks of a still face."""
_STILL, _MOVING = -2.6, -1.2
"""Logarithms of the power of motion of a still mouth, and from which a mouth certainly moves."""


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Standard deviations of the signals during speech, and the prediction of the sound from a mouth."""

    motion: NDArray[np.float64]
    """(4,): of the motion of the measures, in eye distances a step."""
    rise: NDArray[np.float64]
    """(2,): of the rise of the levels, in decades a step."""
    drive: NDArray[np.float64]
    """(7, 4, 2): for each lag and measure, its weight in the rise of each level."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """The sound on the time grid."""

    times: NDArray[np.float64]
    """(n,): seconds."""
    rise: NDArray[np.float64]
    """(n, 2): the rise of each level in one step, in decades."""
    compared: NDArray[np.bool_]
    """(n,): whether the step lies in the span and near active sound."""


def sound_between(rows: NDArray[np.float64], begin: float, end: float) -> Sound | None:
    """Brings the sound of a span to the grid.

    Args:
        rows: Time, level, middle level and probability of speech, (n, 4), in the order of time.
        begin: Begin of the span in seconds.
        end: End of the span in seconds.

    Returns:
        The sound; None if the span has no sound.
    """
    begin = max(begin, end - LONGEST_S)
    first, last = int(np.ceil(begin / STEP_S)), int(np.floor(end / STEP_S))
    if len(rows) == 0 or last - first < len(LAGS) or not ((rows[:, 0] >= begin) & (rows[:, 0] <= end)).any():
        return None
    times = np.arange(first, last + 1, dtype=np.float64) * STEP_S
    # A row describes 20 ms that end at its time; the mean of four rows describes one step of the grid.
    middles = rows[:, 0] - 0.01
    levels = np.stack([np.interp(times, middles, smooth(rows[:, column])) for column in (1, 2)], axis=1)
    loudest = levels.max(0)
    active = levels[:, 0] > threshold(rows[:, 1], float(loudest[0]))
    heard = (times >= middles[0] - STEP_S) & (times <= middles[-1] + STEP_S)
    near = np.convolve(active & heard, np.ones(2 * _MARGIN_STEPS + 1), "same") > 0.5
    rise = np.asarray(np.gradient(np.maximum(levels, loudest - _RANGE), axis=0), np.float64)
    return Sound(times, rise, near & heard)


def motion_of(rows: NDArray[np.float64], times: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Returns the motion of a mouth on the grid, (n, 4) in eye distances a step, and where it was seen, (n,).

    Args:
        rows: Time, gap, width, jaw, lower, scale and across, (m, 7), in the order of time.
        times: The grid, (n,) seconds.
    """
    seen_at = rows[:, 0]
    # One scale for the whole span, because the noise of the scale in each frame would look like motion of the mouth.
    measures = rows[:, 1 : 1 + MEASURES] / np.median(rows[:, 5])
    opened = np.stack([np.interp(times, seen_at, measures[:, k]) for k in range(MEASURES)], axis=1)
    after = np.searchsorted(seen_at, times)
    inside = (after > 0) & (after < len(seen_at))
    gap = seen_at[np.minimum(after, len(seen_at) - 1)] - seen_at[np.maximum(after - 1, 0)]
    on_sample = np.isclose(seen_at[np.minimum(after, len(seen_at) - 1)], times)
    return np.gradient(opened, axis=0), (inside & (gap <= _MAX_GAP_S)) | on_sample


def lagged(motion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns (n, 7, 4): for each step the motion at each of `LAGS`, from motion (n, 4); at the edges it is 0."""
    n = len(motion)
    padded = np.pad(motion, ((LAGS[-1], -LAGS[0]), (0, 0)))
    return np.stack([padded[LAGS[-1] - lag : LAGS[-1] - lag + n] for lag in LAGS], axis=1)


def features_of(
    sound: Sound, mouths: Mapping[int, NDArray[np.float64]], scale: Scale
) -> tuple[dict[int, NDArray[np.float64]], float]:
    """Compares the sound of a span with every mouth.

    Args:
        sound: The sound of the span.
        mouths: Person → rows of the mouth, (m, 7).
        scale: The learnt scales and prediction.

    Returns:
        Person → (2,) `FEATURES`, for each person seen for long enough; and the seconds of sound compared.
    """
    rise = sound.rise / scale.rise
    found = {}
    for person, rows in mouths.items():
        motion, seen = motion_of(rows, sound.times)
        used = sound.compared & seen
        if used.sum() * STEP_S < _LEAST_S:
            continue
        predicted = np.einsum("tlm,lmb->tb", lagged(motion / scale.motion), scale.drive)
        found[person] = _features(
            rise[used], predicted[used], float(np.square(motion[used] / scale.motion).mean()), int(used.sum()) * STEP_S
        )
    return found, float(sound.compared.sum() * STEP_S)


def _features(
    heard: NDArray[np.float64], expected: NDArray[np.float64], power: float, seconds: float
) -> NDArray[np.float64]:
    """Returns (2,) `FEATURES`.

    Args:
        heard: The rise of the levels, (n, 2) relative to speech.
        expected: Their rise as predicted from the mouth, (n, 2).
        power: Power of the motion of the mouth, relative to speech.
        seconds: Seconds compared.
    """
    energy = (np.square(heard).sum() + _PRIOR_HEARD) * (np.square(expected).sum() + _PRIOR_EXPECTED)
    correlation = float((heard * expected).sum() / np.sqrt(energy))
    moved = min(_MOVING, max(_STILL, float(np.log(power + _LEAST_MOTION)))) - _STILL
    return np.array([moved, moved * correlation * np.sqrt(seconds)])
