"""A second criterion for speech: a single word, which ends before the speech detector is sure of it.

The detector looks at three quarters of a second, so that a word of a quarter of a second may hardly move it. A sound
counts as a word if it stands alone between pauses, rises well above the noise, lasts, has the voicing of a vowel, and
moves the detector at least a little. A knock rings down at once, a cough has no voicing, and a tone is too regular.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.hearing.voicing import voiced

PAUSE_STEPS: Final = 20
"""Number of soft steps after which a sound has ended: 0.2 s."""

ABOVE_FLOOR_DB: Final = 10.0
"""A step that is more than this many dB above the noise floor belongs to the sound."""
_PEAK_DB: Final = 15.0
"""Minimum level of the loudest step above the noise floor, in dB."""
_CLEAR_PEAK_DB: Final = 25.0
"""The same for a word that moves the detector less than `_CLEAR_PROBABILITY`."""
_CLEAR_PROBABILITY: Final = 0.1
"""The detector's probability below which a word must stand out of the noise more."""
_GAP_STEPS: Final = 12
"""Maximum number of softer steps within a word, such as the closure of a stop consonant."""
_SHORTEST_STEPS: Final = 10
"""Minimum number of steps from the first of a word to its last."""
_VOICED_STEPS: Final = 8
"""Minimum number of voiced steps of a word."""
_LEAST_PROBABILITY: Final = 0.03
"""Minimum of the detector's highest probability during and after a word."""
_SUSTAINED_DB: Final = 6.0
"""A step of a vowel is at most this many dB softer than the loudest one."""
_SUSTAINED_STEPS: Final = 5
"""Minimum number of such steps of a word; a struck thing of the same length rings down faster."""
_PLAIN_PROBABILITY: Final = 0.2
"""The detector's probability from which the level of a word need not be sustained."""


def last_sound(levels: Sequence[float], floor_dbfs: float) -> tuple[int, int] | None:
    """The latest sound that stands alone: its first step and the one after its last.

    Args:
        levels: Level of each step in dB of full scale.
        floor_dbfs: Level of the noise in dB of full scale.

    Returns:
        None if there is no sound, or if it begins before the first step.
    """
    loud = [level > floor_dbfs + ABOVE_FLOOR_DB for level in levels]
    if True not in loud:
        return None
    last = first = len(loud) - 1 - loud[::-1].index(True)
    for at in range(last, -1, -1):
        if loud[at]:
            first = at
        elif first - at > _GAP_STEPS:
            return first, last + 1
    return None


def is_word(
    samples: Sequence[NDArray[np.float32]], levels: Sequence[float], probabilities: Sequence[float], floor_dbfs: float
) -> bool:
    """Whether the latest sound among some steps of 10 ms is a word.

    Args:
        samples: (160,) float32 at 16 kHz, −1…1, for each step.
        levels: Level of each step in dB of full scale.
        probabilities: The detector's probability of speech, 0…1, for each step.
        floor_dbfs: Level of the noise in dB of full scale.
    """
    sound = last_sound(levels, floor_dbfs)
    if sound is None:
        return False
    first, end = sound
    peak, probability = max(levels[first:end]), max(probabilities[first:])
    sustained = sum(level >= peak - _SUSTAINED_DB for level in levels[first:end])
    return (
        end - first >= _SHORTEST_STEPS
        and peak >= floor_dbfs + (_PEAK_DB if probability >= _CLEAR_PROBABILITY else _CLEAR_PEAK_DB)
        and probability >= _LEAST_PROBABILITY
        and (sustained >= _SUSTAINED_STEPS or probability >= _PLAIN_PROBABILITY)
        and voiced(np.concatenate(samples[first:end])) >= _VOICED_STEPS
    )
