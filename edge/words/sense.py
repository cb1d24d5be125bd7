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
from edge.inference.interpreter import open_model
from edge.inference.posterior import shares
from edge.observation import Observation, Transcript
from edge.words.coverage import coverage
from edge.words.features import front_end, ids
from edge.words.text import says_something, tokens

log = logging.getLogger(__name__)

_HALF_LENGTH: Final = 2.0
"""Words at which a text is trusted half: "okay" says little, a sentence much."""


class WordsSense:
    """Reads what was said. Not thread-safe."""

    def __init__(self, settings: config.Words, registry: Registry | None = None) -> None:
        """Raises `ModelError` for a model that is not one of words for this front end."""
        path = shipped.model("words", "words") if settings.model == "default" else Path(settings.model)
        self._interpreter, self.card = open_model(path)
        if self.card.labels != LABELS or self.card.output_kind != "multilabel_logits":
            raise ModelError(f"model {path} gives {self.card.output_kind}, not multilabel_logits of our labels")
        if self.card.front_end != front_end():
            raise ModelError(f"model {path} wants the front end {self.card.front_end}, not {front_end()}")
        self._registry = registry or Registry()
        self._log_text = settings.log_text

    def logits(self, text_ids: NDArray[np.int32]) -> NDArray[np.float32]:
        """(7,) for the (32,) ids of one text."""
        return np.asarray(self._interpreter.run(text_ids[None])[0][0])

    def read(self, transcript: Transcript) -> Observation | None:
        """What the words say; None where there is nothing to read. The text itself is kept nowhere, and
        logged only where the configuration asks for it."""
        if self._log_text:
            # As a literal: control characters in it do nothing to a terminal or to the lines of a log.
            log.info("heard %r", transcript.text)
        with self._registry.time(catalogue.INFER_WORDS):
            found = tokens(transcript.text)
            if not found:
                return None
            posterior = shares(self.logits(ids(found)), self.card.temperature)
        spoken = sum(map(says_something, found))
        length = spoken / (spoken + _HALF_LENGTH)
        known = coverage(found)
        confidence = min(1.0, max(0.0, transcript.confidence))
        return Observation(
            sense="words",
            captured_at=transcript.captured_at,
            posterior=tuple(float(p) for p in posterior),
            quality=length * known * confidence,
            detail=WordsDetail(
                tokens=len(found),
                length=round(length, 3),
                coverage=round(known, 3),
                confidence=round(confidence, 3),
            ),
        )
