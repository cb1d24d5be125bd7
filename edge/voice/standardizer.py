"""Standardises the functionals of an utterance with the mean and deviation of the training data."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from edge.voice import functionals, intonation
from edge.voice.logmel import BANDS

NAME: Final = "functionals-pitch"
"""Name of this front end in a model card."""
SIZE: Final = functionals.SIZE + intonation.SIZE
"""Number of values per utterance."""
LIMIT: Final = 4.0
"""Standardised values are clipped to ± this many standard deviations, so that 8 bits resolve a thirtieth of one."""

_Array = NDArray[np.float32]


class Standardizer:
    """Standardises values with their means and standard deviations over a model's training data."""

    def __init__(self, mean: _Array, deviation: _Array) -> None:
        """`mean`, `deviation`: (897,). They are rounded to half precision, as in a model card."""
        self._mean = np.asarray(mean, "<f2").astype(np.float32)
        self._deviation = np.maximum(np.asarray(deviation, "<f2").astype(np.float32), np.float32(1e-3))

    @classmethod
    def of(cls, values: _Array) -> Standardizer:
        """Fits a standardizer to (…, 897) values; NaN, as for the pitch of unvoiced sound, is ignored."""
        rows = values.reshape(-1, values.shape[-1])
        return cls(np.nanmean(rows, 0), np.nanstd(rows, 0))

    @property
    def band_levels(self) -> _Array:
        """(64,) mean level of each log-mel band during speech, in dB relative to the loudest cell."""
        return self._mean[:BANDS]

    def apply(self, values: _Array) -> _Array:
        """Standardises (…, 897) values to float32 in −`LIMIT`…`LIMIT`; NaN counts as the mean."""
        scaled = np.clip((values - self._mean) / self._deviation, -LIMIT, LIMIT)
        return np.where(np.isnan(scaled), np.float32(0), scaled)

    def front_end(self) -> dict[str, Any]:
        """The description of this front end in a model card; arrays are little-endian half floats in base64."""
        packed = {"mean": self._mean, "deviation": self._deviation}
        texts = {key: base64.b64encode(value.astype("<f2").tobytes()).decode() for key, value in packed.items()}
        return {"name": NAME, "of": ["logmel64", "yin"], "size": SIZE, "limit": LIMIT, **texts}

    @classmethod
    def read(cls, front_end: Mapping[str, Any]) -> Standardizer:
        """Reads a standardizer from a card's `front_end`. Raises `ModelError` if values are missing or invalid."""
        try:
            mean, deviation = (
                np.frombuffer(base64.b64decode(front_end[key], validate=True), "<f2") for key in ("mean", "deviation")
            )
        except (KeyError, ValueError, TypeError) as error:
            raise ModelError(f"the card's front end {NAME!r} lacks its mean and deviation ({error})") from error
        whole = mean.shape == deviation.shape == (SIZE,) and front_end.get("limit") == LIMIT
        if not (whole and np.isfinite(mean).all() and np.isfinite(deviation).all()):
            raise ModelError(f"the card's front end {NAME!r} is not this version's: {SIZE} values, limit {LIMIT}")
        return cls(mean.astype(np.float32), deviation.astype(np.float32))
