"""The one way to end a training: convert, compare, calibrate, score, write the file with its card, and log it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from converters.calibration import Row
from converters.cards import make_card, save
from converters.parity import Parity, measure
from converters.tflite import convert
from edge.emotions import LABELS
from edge.inference.card import Card, Corpus, OutputKind, Score
from models.training.fit import append_to_log

Quantise: TypeAlias = Callable[[Any, bytes], bytes]
"""From the Keras model and its float32 file to the bytes of the file that ships."""


def int8(calibration: Sequence[Row]) -> Quantise:
    """Int8 throughout, ranges measured on `calibration`: inputs of the kind that training saw."""
    return lambda model, _: convert(model, "int8", calibration, progress=print)


def int8_weights(model: Any, _: bytes) -> bytes:
    """Int8 weights, float32 arithmetic: for nets that are mostly one table of vectors."""
    return convert(model, "dynamic", progress=print)


@dataclass(frozen=True, slots=True)
class Converted:
    """Both forms of a trained net as `.tflite` bytes, and how far apart they are."""

    small: bytes
    """The form that ships."""
    floating: bytes
    parity: Parity | None
    """None where no rows were given to compare on."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is fitted on held-out rows after conversion."""

    temperature: float = 1.0
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """All that the end of one training needs; the parts that only some nets have are optional.

    `score` and `note` are called for each form, first with the one that ships. Both get the form's name and its bytes.
    """

    name: str
    task: str
    command: str
    """What trains the same model again."""
    recipe: str
    """The training in words."""
    training: Sequence[Corpus]
    front_end: Mapping[str, Any]
    input_meanings: Sequence[str]
    output_meanings: Sequence[str]
    quantise: Quantise
    form: str = "int8"
    """Name of the form that ships, as it stands in the card's scores."""
    version: str = "1"
    labels: Sequence[str] = LABELS
    output_kind: OutputKind = "logits"
    parity_rows: Sequence[Row] = ()
    """Held-out inputs on which both forms are compared."""
    calibrate: Callable[[bytes], Calibration] = lambda _: Calibration()
    score: Callable[[str, bytes, Calibration], Sequence[Score]] = lambda *_: ()
    note: Callable[[str, bytes], Sequence[str]] = lambda *_: ()
    parity_note: Callable[[Parity], str] = lambda parity: decisions(parity, "held-out rows")
    notes: Sequence[str] = ()


def decisions(parity: Parity, rows: str) -> str:
    """The note on both forms of a classifier. `rows`: what they were compared on, in the plural."""
    return (
        f"int8 against float32 on {parity.n:,} {rows}: {parity.agreement:.2%} equal decisions, "
        f"mean KL divergence {parity.divergence:.4f} nats"
    )


def convert_both(model: Any, quantise: Quantise, parity_rows: Sequence[Row] = ()) -> Converted:
    """Raises `ConversionError`."""
    floating = convert(model, "float32", progress=print)
    small = quantise(model, floating)
    return Converted(small, floating, measure(floating, small, parity_rows) if parity_rows else None)


def write(converted: Converted, ending: Ending, out: Path, run: Path) -> Card:
    """Writes the file that ships at `out` with its card beside it, and a line to the log in the folder `run`.

    Raises `ConversionError`, `ModelError`.
    """
    calibration = ending.calibrate(converted.small)
    forms = ((ending.form, converted.small), ("float32", converted.floating))
    card = make_card(
        converted.small,
        name=ending.name,
        task=ending.task,
        file=out.name,
        version=ending.version,
        output_kind=ending.output_kind,
        labels=ending.labels,
        temperature=round(calibration.temperature, 4),
        front_end=ending.front_end,
        thresholds={name: round(mark, 3) for name, mark in calibration.thresholds.items()},
        training=ending.training,
        train_command=ending.command,
        recipe=ending.recipe,
        scores=[score for form, data in forms for score in ending.score(form, data, calibration)],
        notes=[
            *(note for form, data in forms for note in ending.note(form, data)),
            *([ending.parity_note(converted.parity)] if converted.parity else []),
            *ending.notes,
        ],
        input_meanings=ending.input_meanings,
        output_meanings=ending.output_meanings,
    )
    save(converted.small, card, out)
    append_to_log(run, {"finished": card.name, "command": card.train_command, "sha256": card.sha256} | _headline(card))
    print(f"{out}: {card.bytes:,} bytes; {_headline(card)}", flush=True)
    return card


def finish(model: Any, ending: Ending, out: Path, run: Path) -> Card:
    """Ends a training.

    Args:
        model: The trained Keras model.
        ending: What its card says, and how it is converted and measured.
        out: Where the `.tflite` goes; its card gets the same name with `.json`.
        run: Folder of the run, whose log gets a last line.

    Returns:
        The card as written.

    Raises:
        ConversionError: The model cannot be converted or written.
        ModelError: A converted file does not run.
    """
    return write(convert_both(model, ending.quantise, ending.parity_rows), ending, out, run)


def _headline(card: Card) -> dict[str, Any]:
    """The first score or, where a card has none, its first note."""
    if not card.scores:
        return {"note": card.notes[0] if card.notes else ""}
    first = card.scores[0]
    return {"protocol": first.protocol, "accuracy": first.accuracy, "macro_f1": first.macro_f1, "uar": first.uar}
