"""The expression model: a 48×48 grey face → seven calibrated probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from edge.errors import ModelError
from edge.face.crop import FRONT_END, as_input
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax


class Expression:
    """Raises `ModelError` for a model that is not one of facial expression for this front end."""

    def __init__(self, path: Path) -> None:
        self._interpreter, self.card = open_model(path)
        if self.card.labels != LABELS or self.card.output_kind != "logits":
            raise ModelError(
                f"model {path} gives {self.card.output_kind} of {self.card.labels}, not logits of our labels"
            )
        if self.card.front_end.get("name") != FRONT_END["name"]:
            raise ModelError(f"model {path} wants the front end {self.card.front_end.get('name')!r}, not 'grey48'")

    def logits(self, face: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(7,) for a (48, 48) grey crop, before calibration."""
        return np.asarray(self._interpreter.run(as_input(face))[0][0])

    def posterior(self, face: NDArray[np.uint8]) -> tuple[float, ...]:
        """Seven probabilities in the order of `LABELS`."""
        return tuple(float(p) for p in softmax(self.logits(face), self.card.temperature))
