"""The expression model: from a square grey face, and optionally the scene around it, to seven probabilities."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS
from edge.errors import ModelError
from edge.face import context
from edge.face.crop import FRONT_END, MAX_SIDE, SIDE, as_input, front_end, resampled
from edge.inference.card import Card
from edge.inference.embedding import embedding_of, is_embedding
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax


class Expression:
    """An expression model with one input (front end `grey48`, `grey112`, …) or two (`grey48+context`: face, scene).

    Not thread-safe.
    """

    def __init__(self, path: Path) -> None:
        """Loads a model; raises `ModelError` if it is not an expression model for one of these front ends."""
        self._interpreter, self.card = open_model(path)
        _check_outputs(self.card, path)
        self.scene_size = _scene_size(self.card, path)
        """Height and width of the scene that the model takes besides the face; None if it takes only the face."""
        self.side = SIDE if self.scene_size else int(self.card.front_end["side"])
        """Width and height of the crop that the model takes, in pixels."""
        wanted = [(1, self.side, self.side, 1), *([(1, *self.scene_size, 3)] if self.scene_size else [])]
        shapes = [tensor.shape for tensor in self.card.inputs]
        if shapes != wanted:
            raise ModelError(
                f"model {path} takes {shapes}, its front end {self.card.front_end['name']!r} makes {wanted}: "
                "correct the card's front_end, or convert the model with these inputs in this order"
            )

    def logits(self, face: NDArray[np.uint8], scene: NDArray[np.uint8] | None = None) -> NDArray[np.float32]:
        """Returns the logits, (7,) float32, before calibration.

        Args:
            face: The crop, (side, side) uint8 grey; one of another side is resampled.
            scene: The scene without the face, (height, width, 3) uint8 RGB, from `context.Scene.without`; required if
                and only if the model has a `scene_size`.

        Raises:
            ModelError: The scene is missing or superfluous, an input has the wrong shape, or the model returned a value
                that is not finite.
        """
        return self._run(face, scene)[0]

    def posterior(self, face: NDArray[np.uint8], scene: NDArray[np.uint8] | None = None) -> tuple[float, ...]:
        """Returns seven calibrated probabilities in the order of `LABELS`; see `logits` for parameters and errors."""
        return self.read(face, scene)[0]

    def read(
        self, face: NDArray[np.uint8], scene: NDArray[np.uint8] | None = None
    ) -> tuple[tuple[float, ...], NDArray[np.float32] | None]:
        """Returns the posterior and, from a model with a second output, the embedding of the face.

        Parameters and errors are those of `logits`.

        Returns:
            Seven calibrated probabilities in the order of `LABELS`, and the (k,) embedding or None.
        """
        logits, embedding = self._run(face, scene)
        found = tuple(float(p) for p in softmax(logits, self.card.temperature))
        if not all(map(math.isfinite, found)):
            raise ModelError(f"{self._interpreter.name} gives logits that overflow at its card's temperature")
        return found, embedding

    def _run(
        self, face: NDArray[np.uint8], scene: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        inputs = [as_input(resampled(face, self.side))]
        if scene is not None:
            inputs.append(context.as_input(scene))
        outputs = self._interpreter.run(*inputs)
        return np.asarray(outputs[0][0]), embedding_of(outputs)


def _check_outputs(card: Card, path: Path) -> None:
    if card.labels != LABELS or card.output_kind != "logits":
        raise ModelError(f"model {path} gives {card.output_kind} of {card.labels}, not logits of our labels")
    shapes = [tensor.shape for tensor in card.outputs]
    if shapes[:1] != [(1, COUNT)] or not is_embedding(card.outputs[1:]):
        raise ModelError(
            f"model {path} gives {shapes}, not {(1, COUNT)}: one logit for each label, and at most an embedding (1, k)"
        )
    if not (math.isfinite(card.temperature) and card.temperature > 0):
        raise ModelError(f"model {path}: its card has the temperature {card.temperature}, which must be above 0")


def _scene_size(card: Card, path: Path) -> tuple[int, int] | None:
    """Returns the size of the scene in the card's front end, if it has one. Raises `ModelError` if it is unknown."""
    side = card.front_end.get("side")
    if type(side) is int and 0 < side <= MAX_SIDE and card.front_end == front_end(side):
        return None
    found = context.size(card.front_end)
    if found is not None and card.front_end == context.front_end(*found):
        return found
    raise ModelError(
        f"model {path} wants the front end {card.front_end}, there are {FRONT_END}, the same with another side up to "
        f"{MAX_SIDE} ('grey112'), and the first with the name {context.NAME!r} and a context of [height, width] up to "
        f"{context.MAX_SIDE}"
    )
