"""Ends every training in the same way: convert, compare, calibrate, score, write the file and its card, and log."""

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
"""Takes the Keras model and the bytes of its float32 file; returns the bytes of the file that ships."""


def int8(calibration: Sequence[Row]) -> Quantise:
    """Full int8 quantisation with ranges measured on `calibration`, which are inputs like those seen in training."""
    return lambda model, _: convert(model, "int8", calibration, progress=print)


def int8_weights(model: Any, _: bytes) -> bytes:
    """Int8 weights with float32 arithmetic, for networks that consist mostly of one embedding table."""
    return convert(model, "dynamic", progress=print)


@dataclass(frozen=True, slots=True)
class Converted:
    """Both forms of a trained network as `.tflite` bytes, and the difference between their outputs."""

    small: bytes
    """The form that ships."""
    floating: bytes
    """The float32 form."""
    parity: Parity | None
    """Comparison of both forms; None if there were no rows to compare on."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Values fitted on held-out rows after conversion."""

    temperature: float = 1.0
    """The logits are divided by the temperature before the softmax or sigmoid."""
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Decision thresholds of a multi-label model by name; empty for a single-label model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Everything needed to export one trained network; fields that only some networks need have defaults.

    `score` and `note` are called with the name and the bytes of each form, the shipped form first.
    """

    name: str
    """Name of the model in its card."""
    task: str
    """What the model estimates, in a few words."""
    command: str
    """Command line that trains the same model again."""
    recipe: str
    """Summary of the training in words."""
    training: Sequence[Corpus]
    """Corpora that the model was trained on, with their terms of use."""
    front_end: Mapping[str, Any]
    """Parameters of the preprocessing, as the card states them."""
    input_meanings: Sequence[str]
    """Meaning of each input tensor, one sentence each."""
    output_meanings: Sequence[str]
    """Meaning of each output tensor, one sentence each."""
    quantise: Quantise
    """Conversion to the form that ships."""
    form: str = "int8"
    """Name of the shipped form in the card's scores."""
    version: str = "1"
    """Version of the model in its card."""
    labels: Sequence[str] = LABELS
    """Labels in the order of the outputs; empty for a model that estimates no labels."""
    output_kind: OutputKind = "logits"
    """How the device interprets the outputs."""
    prior: Sequence[float] = ()
    """Prior of each label that the posterior assumes; see `Card.prior`."""
    parity_rows: Sequence[Row] = ()
    """Held-out inputs on which the two forms are compared."""
    calibrate: Callable[[bytes], Calibration] = lambda _: Calibration()
    """Fits temperature and thresholds with the bytes of the shipped form."""
    score: Callable[[str, bytes, Calibration], Sequence[Score]] = lambda *_: ()
    """Scores of one form."""
    note: Callable[[str, bytes], Sequence[str]] = lambda *_: ()
    """Notes on one form for the card, for models without labels."""
    parity_note: Callable[[Parity], str] = lambda parity: decisions(parity, "held-out rows")
    """Note on the comparison of the two forms for the card."""
    notes: Sequence[str] = ()
    """Further notes for the card."""


def decisions(parity: Parity, rows: str) -> str:
    """Note on the comparison of both forms of a classifier; `rows` names the compared items in the plural."""
    return (
        f"int8 against float32 on {parity.n:,} {rows}: {parity.agreement:.2%} equal decisions, "
        f"mean KL divergence {parity.divergence:.4f} nats"
    )


def convert_both(model: Any, quantise: Quantise, parity_rows: Sequence[Row] = ()) -> Converted:
    """Converts a trained network to float32 and to the form that ships.

    Args:
        model: The trained Keras model.
        quantise: Conversion to the form that ships.
        parity_rows: Held-out inputs on which both forms are compared; none means no comparison.

    Raises:
        ConversionError: The model cannot be converted.
    """
    floating = convert(model, "float32", progress=print)
    small = quantise(model, floating)
    return Converted(small, floating, measure(floating, small, parity_rows) if parity_rows else None)


def write(converted: Converted, ending: Ending, out: Path, run: Path) -> Card:
    """Writes the shipped file, its card, and a line of the training log.

    Args:
        converted: Both forms of the network.
        ending: Contents of the card, and the functions that calibrate and score.
        out: Path of the `.tflite` file; the card gets the same name with `.json`.
        run: Folder of the run, to whose log a line is appended.

    Returns:
        The card as written.

    Raises:
        ConversionError: The file cannot be written.
        ModelError: A converted file does not run.
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
        prior=[round(float(share), 6) for share in ending.prior],
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
    """Converts a trained model and writes it with its card.

    Args:
        model: The trained Keras model.
        ending: Contents of the card, and the functions that convert, calibrate and score.
        out: Path of the `.tflite` file; the card gets the same name with `.json`.
        run: Folder of the run, to whose log a last line is appended.

    Returns:
        The card as written.

    Raises:
        ConversionError: The model cannot be converted or written.
        ModelError: A converted file does not run.
    """
    return write(convert_both(model, ending.quantise, ending.parity_rows), ending, out, run)


def _headline(card: Card) -> dict[str, Any]:
    """The first score of a card, or its first note if it has no scores."""
    if not card.scores:
        return {"note": card.notes[0] if card.notes else ""}
    first = card.scores[0]
    return {"protocol": first.protocol, "accuracy": first.accuracy, "macro_f1": first.macro_f1, "uar": first.uar}
