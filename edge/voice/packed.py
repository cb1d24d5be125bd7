"""Packs a spectrogram and standardised functionals into one array, the input of the small voice model."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.voice import standardizer
from edge.voice.logmel import BANDS, FRAMES
from edge.voice.standardizer import LIMIT, Standardizer

NAME: Final = "logmel64-functionals-pitch"
"""Name of this front end in a model card."""
SIZE: Final = FRAMES * BANDS + standardizer.SIZE
"""Number of values: 188 frames of 64 bands, then 897 functionals."""

_Array = NDArray[np.float32]


def packed(mel: _Array, values: _Array) -> _Array:
    """Packs (…, 188, 64) log-mels in 0…1 and (…, 897) standardised functionals to (…, 12929) in −4…4.

    The log-mel is spread over the range of the functionals, because 8 bits have one scale for the whole array.
    """
    spread = (mel * np.float32(2 * LIMIT) - np.float32(LIMIT)).reshape(*mel.shape[:-2], -1)
    return np.concatenate([spread, values], axis=-1)


def front_end(standard: Standardizer) -> dict[str, Any]:
    """The description of this front end in a model card. `standard`: of the functionals."""
    described = standard.front_end()
    return described | {"name": NAME, "of": ["logmel64", described["name"]], "size": SIZE}
