"""The words sense: a transcript in, an observation out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.detail import WordsDetail
from edge.emotions import LABELS
from edge.errors import ModelError
from edge.health import catalogue
from edge.health.registry import Registry
from edge.inference.embedding import embedding_of
from edge.inference.interpreter import open_model
from edge.inference.posterior import shares
from edge.observation import Observation, Transcript
from edge.words.coverage import coverage
from edge.words.features import front_end, ids
from edge.words.text import says_something, tokens

log = logging.getLogger(__name__)

_HALF_LENGTH: Final = 2.0
"""Number of words at which the length factor of the quality is 0.5: a sentence is stronger evidence than "okay"."""


class WordsSense:
    """Classifies the emotion in the text of an utterance. Not thread-safe."""

    def __init__(self, settings: config.Words, registry: Registry | None = None) -> None:
        """Loads the words model. Raises `ModelError` if it is missing or invalid, or has another front end."""
        path = shipped.model("words", "words") if settings.model == "default" else Path(settings.model)
        self._interpreter, self.card = open_model(path)
        if self.card.labels != LABELS or self.card.output_kind != "multilabel_logits":
            raise ModelError(f"model {path} gives {self.card.output_kind}, not multilabel_logits of our labels")
        if self.card.front_end != front_end():
            raise ModelError(f"model {path} wants the front end {self.card.front_end}, not {front_end()}")
        self._registry = registry or Registry()
        self._log_text = settings.log_text

    def logits(self, text_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """The model's output, (7,) float32, for the (32,) ids of one text."""
        return self._run(text_ids)[0]

    def _run(self, text_ids: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        outputs = self._interpreter.run(text_ids[None])
        return np.asarray(outputs[0][0]), embedding_of(outputs)

    def read(self, transcript: Transcript) -> Observation | None:
        """The observation of one transcript; None if it has no tokens.

        The text itself is not kept, and logged only if the configuration asks for it. Raises `ModelError`.
        """
        if self._log_text:
            # Logged as a literal, so that control characters affect neither a terminal nor the lines of a log.
            log.info("heard %r", transcript.text)
        with self._registry.time(catalogue.INFER_WORDS):
            found = tokens(transcript.text)
            if not found:
                return None
            logits, embedding = self._run(ids(found))
            posterior = shares(logits, self.card.temperature)
        spoken = sum(map(says_something, found))
        length = spoken / (spoken + _HALF_LENGTH)
        known = coverage(found)
        confidence = min(1.0, max(0.0, transcript.confidence))
        return Observation(
            sense="words",
            captured_at=transcript.captured_at,
            posterior=tuple(float(p) for p in posterior),
            quality=length * known * confidence,
            embedding=embedding,
            detail=WordsDetail(
                tokens=len(found),
                length=round(length, 3),
                coverage=round(known, 3),
                confidence=round(confidence, 3),
            ),
        )
