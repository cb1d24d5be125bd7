"""The sizes of the voice model, and how each is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge import shipped
from edge.inference import card as cards
from edge.inference.card import Card, Score
from models.voice.large import measure as large
from models.voice.protocols import held_out as small


@dataclass(frozen=True)
class Size:
    """One size of the voice model."""

    path: Path
    """The shipped file."""
    measure: Callable[[Path, Path, Callable[[str], None]], list[Score]]
    """Takes the shipped file, the folder of the voice corpora and a receiver of progress; returns all scores."""

    def card(self) -> Card:
        """The card of the shipped file. Raises `ModelError`."""
        return cards.read(cards.card_path(self.path))

    def scores(self, folder: Path, report: Callable[[str], None]) -> list[Score]:
        """Scores by all protocols; `folder` is that of the voice corpora, `report` receives progress."""
        return self.measure(self.path, folder, report)


SIZES: Final = {
    "small": Size(shipped.model("voice", "voice"), small.shipped_scores),
    "large": Size(shipped.model("voice", "voice_large"), large.shipped_scores),
}
"""All sizes by name."""
