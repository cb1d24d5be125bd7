"""`python -m models.fusion.embeddings [FILE…]`: gives finished models their embedding as second output.

Without files, the four shipped models of face, voice and words. The first output keeps every bit, so the card keeps its
scores and gets the new tensor, size and SHA-256; the numbers of the fusion follow. A model that has an embedding stays
as it is.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Final

import msgspec

from converters.cards import save
from converters.second_output import with_embedding
from edge import shipped
from edge.inference import card as cards
from edge.inference.interpreter import Interpreter
from models.command import one_line_errors

SHIPPED: Final = (("face", "face_small"), ("face", "face_large"), ("voice", "voice"), ("words", "words"))
"""Room and stem of the models that give embeddings."""
MEANING: Final = "embedding: the vector before the last layer, for fusion at feature level"
"""Meaning of the second output in the card."""


def add(model: Path) -> tuple[str, str] | None:
    """Adds the embedding to a model and its card.

    Args:
        model: The `.tflite` file.

    Returns:
        The SHA-256 before and after; None if the file had its embedding already.

    Raises:
        ConversionError: The model has no vector before its last layer.
        ModelError: The model or its card is missing or invalid.
    """
    data, card = cards.load(model)
    if len(card.outputs) > 1:
        return None
    changed = with_embedding(data)
    added = Interpreter(changed, model.name).outputs[1]
    outputs = (*card.outputs, msgspec.structs.replace(added, meaning=MEANING))
    save(
        changed,
        msgspec.structs.replace(card, outputs=outputs, sha256=cards.sha256(changed), bytes=len(changed)),
        model,
    )
    return card.sha256, cards.sha256(changed)


def rename(numbers: Path, before: str, after: str) -> None:
    """Lets the numbers of the fusion that were learnt for a model apply to it under its new SHA-256.

    Args:
        numbers: The file of the numbers, `fusion.json`; without it, nothing is done.
        before: SHA-256 of the model without its embedding.
        after: SHA-256 with it.
    """
    if numbers.exists():
        numbers.write_text(numbers.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.fusion.embeddings",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="a .tflite with its card beside it")
    for model in parser.parse_args().files or [shipped.model(room, stem) for room, stem in SHIPPED]:
        changed = add(model)
        print(f"{model}: {'embedding added' if changed else 'unchanged'}")
        if changed:
            rename(shipped.fusion(), *changed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
