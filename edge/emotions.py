"""The seven emotion labels, their order, and their coordinates in the valence–arousal plane."""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import Final

import numpy as np
from numpy.typing import NDArray

LABELS: Final = ("anger", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""The emotion labels. Every posterior of this package is a vector in this order."""

COUNT: Final = len(LABELS)
"""Number of labels, and so the length of every posterior."""

NEUTRAL: Final = LABELS.index("neutral")
"""Index of `neutral` in `LABELS`."""

UNIFORM: Final[tuple[float, ...]] = (1.0 / COUNT,) * COUNT
"""The posterior that gives every label the same probability."""

VALENCE_AROUSAL: Final[dict[str, tuple[float, float]]] = {
    "anger": (-0.51, 0.59),
    "disgust": (-0.60, 0.35),
    "fear": (-0.64, 0.60),
    "happiness": (0.81, 0.51),
    "neutral": (0.0, 0.0),
    "sadness": (-0.63, -0.27),
    "surprise": (0.40, 0.67),
}
"""Valence and arousal of each label, each in −1…1.

The values are the mean ratings of these emotion words in Russell & Mehrabian, "Evidence for a three-factor theory of
emotions", J. Research in Personality 11 (1977), 273–294. `neutral` is the origin by definition.
"""

_VALENCES: Final = tuple(VALENCE_AROUSAL[label][0] for label in LABELS)
"""Valence of each label, in the order of `LABELS`."""
_AROUSALS: Final = tuple(VALENCE_AROUSAL[label][1] for label in LABELS)
"""Arousal of each label, in the order of `LABELS`."""


def valence_arousal(posterior: Sequence[float] | NDArray[np.floating]) -> tuple[float, float]:
    """Returns the expected valence and arousal, each in −1…1, of a posterior of shape (7,)."""
    given = posterior.tolist() if isinstance(posterior, np.ndarray) else posterior
    return sum(map(mul, given, _VALENCES)), sum(map(mul, given, _AROUSALS))


def top(posterior: Sequence[float] | NDArray[np.floating]) -> str:
    """Returns the most probable label of a posterior of shape (7,); on a tie, the earlier one in `LABELS`."""
    return LABELS[int(np.argmax(np.asarray(posterior)))]
