"""Feature-level fusion: one small network weighs and joins the embeddings of face, voice and words.

The network is valid for exactly the sense models whose SHA-256 its card states, because an embedding means something
only together with the model that made it. Where an embedding is missing, decisions are fused instead.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.emotions import LABELS
from edge.errors import ModelError
from edge.inference.card import Card
from edge.inference.embedding import MAX_SIZE
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax
from edge.observation import SENSES, Observation, Sense

log = logging.getLogger(__name__)

NAME: Final = "sense-embeddings"
"""Name of this front end in a model card."""
SMOOTHING_S: Final = 0.5
"""Time constant in seconds of the mean over the embeddings of successive observations, such as the frames of a face."""


def front_end(models: Mapping[Sense, Card]) -> dict[str, Any]:
    """The front end as a card states it: for each sense, in order, the SHA-256 of the model that gives the embedding.

    Args:
        models: Sense → card of its model, for every sense.
    """
    return {"name": NAME, "sha256": {sense: models[sense].sha256 for sense in SENSES}}


class FeatureLevel:
    """A loaded network over the embeddings of all senses. Not thread-safe.

    Its inputs are one embedding (1, k) for each sense in the order of `SENSES`, then (1, 3) how much each sense counts,
    0…1. Its output is a logit for each label, learnt on equally frequent labels.
    """

    def __init__(self, path: Path, models: Mapping[Sense, Card]) -> None:
        """Loads the network.

        Args:
            path: The `.tflite` file with its card beside it.
            models: Sense → card of the model in use; senses that are off are absent.

        Raises:
            ModelError: The file or its card is missing or invalid, is no such network, or was trained on the embeddings
                of other models.
        """
        self._interpreter, self.card = open_model(path)
        if self.card.labels != LABELS or self.card.output_kind != "logits":
            raise ModelError(
                f"model {path} gives {self.card.output_kind} of {self.card.labels}, not logits of our labels"
            )
        shapes = [tensor.shape for tensor in self.card.inputs]
        fits = len(shapes) == len(SENSES) + 1 and shapes[-1] == (1, len(SENSES))
        if not fits or any(len(shape) != 2 or shape[0] != 1 or shape[1] > MAX_SIZE for shape in shapes):
            raise ModelError(f"model {path} takes {shapes}, not an embedding (1, k) a sense and (1, {len(SENSES)})")
        self._sizes: dict[Sense, int] = {sense: shape[1] for sense, shape in zip(SENSES, shapes[:-1], strict=True)}
        _check_models(path, self.card, models)

    def log_likelihoods(
        self, embeddings: Mapping[Sense, NDArray[np.float32]], certainty: Mapping[Sense, float]
    ) -> list[float]:
        """The log-likelihoods of the seven labels, up to a constant.

        Args:
            embeddings: Sense → its embedding (k,); senses without evidence are absent.
            certainty: Sense → how much its embedding counts, 0…1, for each sense in `embeddings`.

        Raises:
            ModelError: An embedding has another length than the network takes, or is not finite.
        """
        values = []
        for sense in SENSES:
            given = embeddings.get(sense)
            if given is not None and given.shape != (self._sizes[sense],):
                raise ModelError(
                    f"{self._interpreter.name} takes {self._sizes[sense]} values of {sense}, not {given.shape}"
                )
            values.append(np.zeros((1, self._sizes[sense]), np.float32) if given is None else given[None])
        counts = [min(1.0, max(0.0, certainty[sense])) if sense in embeddings else 0.0 for sense in SENSES]
        logits = self._interpreter.run(*values, np.array([counts], np.float32))[0][0]
        return [float(value) for value in np.log(np.maximum(softmax(logits, self.card.temperature), 1e-12))]


def _check_models(path: Path, card: Card, models: Mapping[Sense, Card]) -> None:
    stated = card.front_end.get("sha256")
    if card.front_end.get("name") != NAME or not isinstance(stated, dict):
        raise ModelError(f"model {path} wants the front end {card.front_end.get('name')!r}, not {NAME!r}")
    for sense, model in models.items():
        if stated.get(sense) != model.sha256:
            raise ModelError(
                f"model {path} was trained on the embeddings of another {sense} model than {model.file}: train it "
                "again, or use the models that it names"
            )


def open_feature_level(settings: config.Fusion, models: Mapping[Sense, Card]) -> FeatureLevel | None:
    """The network that `fusion.mode` asks for.

    Args:
        settings: The table `[fusion]` of the configuration.
        models: Sense → card of the model in use; senses that are off are absent.

    Returns:
        The network; None in the mode `decision`, and where it cannot be used, which is logged in one line.
    """
    if settings.mode == "decision":
        return None
    try:
        return FeatureLevel(shipped.model("fusion", "feature_level"), models)
    except ModelError as error:
        log.warning("fusion.mode is feature, but decisions are fused instead: %s", error)
        return None


class RecentEmbedding:
    """The mean embedding of the last observations of one sense about one person. Not thread-safe."""

    __slots__ = ("_at", "value")

    def __init__(self) -> None:
        self._at = -math.inf
        self.value: NDArray[np.float32] | None = None
        """The mean, (k,); None without an observation, and where the newest one has no embedding."""

    def add(self, observation: Observation) -> None:
        """Adds an observation; one that is older than the newest is left out."""
        step = observation.captured_at - self._at
        if step < 0:
            return
        self._at = observation.captured_at
        given, before = observation.embedding, self.value
        if given is None or before is None or given.shape != before.shape:
            self.value = given
            return
        share = np.float32(1.0 - math.exp(-step / SMOOTHING_S)) if observation.final else np.float32(1.0)
        self.value = before + share * (given - before)
