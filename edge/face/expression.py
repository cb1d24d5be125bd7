"""The expression model: a 48×48 grey face, and the scene around it where its card asks, → seven probabilities."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.errors import ModelError
from edge.face import context
from edge.face.crop import FRONT_END, SIDE, as_input
from edge.inference.card import Card
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax


class Expression:
    """A model of one input (front end `grey48`) or of two (`grey48+context`: face, then scene). Not thread-safe."""

    def __init__(self, path: Path) -> None:
        """Raises `ModelError` for a model that is not one of facial expression for these front ends."""
        self._interpreter, self.card = open_model(path)
        _check_outputs(self.card, path)
        self.scene_size = _scene_size(self.card, path)
        """Height and width of the scene that `posterior` takes beside the face; None where it takes none."""
        wanted = [(1, SIDE, SIDE, 1), *([(1, *self.scene_size, 3)] if self.scene_size else [])]
        shapes = [tensor.shape for tensor in self.card.inputs]
        if shapes != wanted:
            raise ModelError(
                f"model {path} takes {shapes}, its front end {self.card.front_end['name']!r} makes {wanted}: "
                "correct the card's front_end, or convert the model with these inputs in this order"
            )

    def logits(self, face: NDArray[np.uint8], scene: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """(7,), before calibration.

        `face` (48, 48) grey; `scene` (height, width, 3) RGB as `context.Scene.without` gives it, for a model that has
        a `scene_size`. Raises `ModelError` where the model takes a scene and none is given or the other way round, on
        a wrong shape, and where the model gives a value that is not finite.
        """
        inputs = [as_input(face)] if scene is None else [as_input(face), context.as_input(scene)]
        return np.asarray(self._interpreter.run(*inputs)[0][0])

    def posterior(self, face: NDArray[np.uint8], scene: NDArray[np.uint8] | None = None) -> tuple[float, ...]:
        """Seven probabilities in the order of `LABELS`; parameters and errors as of `logits`."""
        found = tuple(float(p) for p in softmax(self.logits(face, scene), self.card.temperature))
        if not all(map(math.isfinite, found)):
            raise ModelError(f"{self._interpreter.name} gives logits that overflow at its card's temperature")
        return found


def _check_outputs(card: Card, path: Path) -> None:
    if card.labels != LABELS or card.output_kind != "logits":
        raise ModelError(f"model {path} gives {card.output_kind} of {card.labels}, not logits of our labels")
    shapes = [tensor.shape for tensor in card.outputs]
    if shapes != [(1, COUNT)]:
        raise ModelError(f"model {path} gives {shapes}, not {(1, COUNT)}: one logit for each label and nothing else")
    if not (math.isfinite(card.temperature) and card.temperature > 0):
        raise ModelError(f"model {path}: its card has the temperature {card.temperature}, which must be above 0")


def _scene_size(card: Card, path: Path) -> tuple[int, int] | None:
    """What the card's front end asks for beside the face. Raises `ModelError` for a front end that is not here."""
    if card.front_end == FRONT_END:
        return None
    found = context.size(card.front_end)
    if found is not None and card.front_end == context.front_end(*found):
        return found
    raise ModelError(
        f"model {path} wants the front end {card.front_end}, there are {FRONT_END} and the same with "
        f"the name {context.NAME!r} and a context of [height, width] up to {context.MAX_SIDE}"
    )
