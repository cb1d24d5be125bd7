"""Prints the scores of every `evaluate` program."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import msgspec

from edge.inference.card import Card, Score
from models.metrics import weighted_f1


def show(scores: Iterable[Score], card: Card, as_json: bool) -> None:
    """Prints one JSON object per protocol, or a readable table.

    Args:
        scores: The measured scores.
        card: Card of the measured model.
        as_json: Whether to print JSON.
    """
    for score in scores:
        if as_json:
            row = {"model": score.model, "bytes": card.bytes, **msgspec.to_builtins(score), "baseline": score.baseline}
            row["weighted_f1"] = round(weighted_f1(score.per_class), 4)
            print(json.dumps(row, ensure_ascii=False), flush=True)
            continue
        line(score, card.bytes)
        for label, row in score.per_class.items():
            print(f"    {label:<10} recall {row['recall']:.3f}  F1 {row['f1']:.3f}  n {row['n']:.0f}")


def line(score: Score, size: int | None = None) -> None:
    """Prints the averages of one protocol in readable form; `size` is that of the model file, bytes."""
    known = f", baseline of {score.baseline}" if score.baseline else ""
    print(f"{score.model}{'' if size is None else f' ({size:,} bytes)'}: {score.protocol}{known}")
    print(
        f"  n {score.n}  accuracy {score.accuracy:.2%}  macro-F1 {score.macro_f1:.4f}  "
        f"weighted F1 {weighted_f1(score.per_class):.4f}  "
        f"UAR {score.uar:.2%}  ECE {score.ece:.4f}"
    )


def with_scores(card: Card, found: Sequence[Score]) -> Card:
    """Returns the card with these scores; they replace older scores of the same model, protocol and baseline."""
    newer = {(score.model, score.protocol, score.baseline): score for score in found}
    kept = [newer.pop((score.model, score.protocol, score.baseline), score) for score in card.scores]
    return msgspec.structs.replace(card, scores=(*kept, *newer.values()))
