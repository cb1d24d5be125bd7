"""Bandwidth extension for narrow lines: telephones and headsets send nothing above 4 kHz.

A model that learnt from whole spectra takes the empty bands for a voice of its own kind: of 171 clips of speakers that
the shipped one had never heard it read 63 % right (unweighted recall), 28 % at 8 kHz, and 61 % with the bands filled
(11 kHz: 53 and 60 %). The simplest extension of bandwidth does it: above its end the spectrum falls off as voices do
on average.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import FLOOR_DB

_EMPTY: Final = 0.02
"""A band whose level, 0…1, stays below this holds only what the filter leaks."""
_CLICKS: Final = 8
"""A band may exceed `_EMPTY` in this many frames and still count as empty: sound cut out of a sentence begins and ends
with a click."""
_WHOLE: Final = 58
"""A spectrum whose highest used band, of 64, is this one or above is left as it is."""
_NEIGHBOURS: Final = 4
"""Bands below the end of the spectrum from which its continuation is estimated."""

_Array = NDArray[np.float32]


def filled(mel: _Array, typical_db: _Array) -> _Array:
    """A (64, frames) log-mel in 0…1 whose upper bands, if they are empty all the time, go on from those below.

    `typical_db`: (64,) mean level of each band in voices. What is not narrow comes back as it is.
    """
    heard = np.flatnonzero(np.count_nonzero(mel > _EMPTY, axis=1) > _CLICKS)
    # The last band that holds anything lies half in the dark.
    end = int(heard[-1]) if len(heard) else 0
    if not _NEIGHBOURS <= end < _WHOLE:
        return mel
    below = slice(end - _NEIGHBOURS, end)
    slope = (typical_db[end:] - typical_db[below].mean()) / np.float32(-FLOOR_DB)
    found = mel.copy()
    found[end:] = np.clip(mel[below].mean(axis=0) + slope[:, None], 0, 1)
    return found
