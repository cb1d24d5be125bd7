"""Finds the utterance to which a moment belongs, in the levels of the last seconds."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

FLOOR_SHARE: Final = 0.1
"""Share of the remembered sound, its quietest, that is assumed to be without speech."""
ABOVE_FLOOR: Final = 0.5
"""Active sound is at least this many decades (5 dB) above the noise floor."""
BELOW_LOUDEST: Final = 2.5
"""Active sound is at most this many decades (25 dB) below the loudest."""
_PAUSE_S: Final = 0.3
"""A pause of at least this many seconds ends an utterance."""
_SPEECH: Final = 0.5
"""An utterance contains a step of at least this probability of speech."""
_SPEECH_LAG_S: Final = 0.4
"""Seconds by which the probability of speech lags behind the sound."""


def threshold(levels: NDArray[np.float64], loudest: float) -> float:
    """Returns the level from which sound is active.

    Args:
        levels: All remembered levels, (n,) decimal logarithms of power.
        loudest: The loudest level near the moment that is examined.
    """
    return max(loudest - BELOW_LOUDEST, float(np.quantile(levels, FLOOR_SHARE)) + ABOVE_FLOOR)


def smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns (n,): the mean of four neighbours of (n,) values; the first and last value are repeated at the edges."""
    return np.convolve(np.pad(values, (2, 1), "edge"), np.full(4, 0.25), "valid")


def utterance_at(rows: NDArray[np.float64], moment: float, reach: float) -> tuple[float, float] | None:
    """Returns begin and end, in seconds, of the utterance at or shortly before a moment.

    Args:
        rows: Time, level, middle level and probability of speech, (n, 4), in the order of time.
        moment: The moment in seconds.
        reach: The utterance may have ended this many seconds before the moment.

    Returns:
        The utterance as far as it was heard; None if there is no speech.
    """
    if not len(rows):
        return None
    times, levels = rows[:, 0], smooth(rows[:, 1])
    active_at = times[levels > threshold(rows[:, 1], float(levels.max()))]
    if not len(active_at):
        return None
    # An utterance is a run of active steps without a long pause between two of them.
    starts = np.flatnonzero(np.diff(active_at, prepend=-np.inf) >= _PAUSE_S)
    begins, ends = active_at[starts], active_at[np.append(starts[1:] - 1, len(active_at) - 1)]
    for begin, end in zip(begins[::-1].tolist(), ends[::-1].tolist(), strict=True):
        if begin <= moment <= end + reach:
            near = (times >= begin) & (times <= end + _SPEECH_LAG_S)
            return (begin, end) if (rows[near, 3] >= _SPEECH).any() else None
    return None
