"""The report of a conversion (sizes, tensors, parity with the source, latency), and the refusal of a bad one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from converters.cards import Latency, latency, make_card
from converters.parity import Parity, compare
from converters.tflite import Conversion
from edge.errors import ConversionError
from edge.inference import card as cards
from edge.inference.card import Card
from edge.inference.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class Report:
    """What was converted, into what, and how near it comes to its source."""

    model: str
    form: str
    out: str
    source_bytes: int
    bytes: int
    sha256: str
    inputs: tuple[str, ...]
    """Each as `name (shape) dtype`."""
    outputs: tuple[str, ...]
    compared_on: str
    """`calibration rows` or `random inputs`."""
    parity: Parity
    latency: Latency
    card: str | None
    """Path of the card; None where none is written."""


def make(conversion: Conversion, *, model: Path, form: str, out: Path, real: bool, card: bool) -> Report:
    """Measures `conversion`. `real`: its inputs are the calibration set's. Raises `ModelError`, `ConversionError`."""
    interpreter = Interpreter(conversion.data, f"model {out.name}")
    return Report(
        model=str(model),
        form=form,
        out=str(out),
        source_bytes=model.stat().st_size,
        bytes=len(conversion.data),
        sha256=cards.sha256(conversion.data),
        inputs=tuple(f"{tensor.name} {tensor.shape} {tensor.dtype}" for tensor in interpreter.inputs),
        outputs=tuple(f"{tensor.name} {tensor.shape} {tensor.dtype}" for tensor in interpreter.outputs),
        compared_on="calibration rows" if real else "random inputs",
        parity=compare(conversion.expected, conversion.data, conversion.inputs),
        latency=latency(conversion.data),
        card=os.fspath(cards.card_path(out)) if card else None,
    )


def require_agreement(report: Report, least: float) -> None:
    """Raises `ConversionError` where less than the share `least` of decisions is equal, or it cannot be measured."""
    if report.parity.decisions == 1:
        raise ConversionError(
            f"{report.model} to {report.form}: the Keras model decides alike on all {report.parity.n} "
            f"{report.compared_on}, so agreement cannot be measured; give rows of every kind; nothing was written"
        )
    if report.parity.agreement < least:
        raise ConversionError(
            f"{report.model} to {report.form}: {report.parity.agreement:.2%} of {report.parity.n} decisions on "
            f"{report.compared_on} equal the Keras model's, {least:.2%} are asked for; nothing was written"
        )


def agreement(parity: Parity) -> str:
    """The share of equal decisions in words; it says so where the reference has only one decision."""
    if parity.decisions == 1:
        return "not measured: the source decides alike on all of them"
    return f"{parity.agreement:.2%}, of {parity.decisions} different ones"


def card_for(data: bytes, report: Report, *, labels: Sequence[str] = (), like: Card | None = None) -> Card:
    """The card of a model that was converted from a file, with `labels`, or the task of the card `like`.

    What belongs to the weights alone (temperature, thresholds, training, scores) is not taken from `like`.
    Raises `ConversionError` where the labels do not fit the model's output.
    """
    names = tuple(labels) or (like.labels if like else ())
    columns = Interpreter(data).outputs[0].shape[-1]
    if len(names) != columns:
        raise ConversionError(f"{report.model} has {columns} outputs, the card would name {len(names)} labels")
    out = Path(report.out)
    fits = like is not None and len(like.inputs) == len(report.inputs) and len(like.outputs) == len(report.outputs)
    return make_card(
        data,
        name=out.stem,
        task=like.task if like else "classification",
        file=out.name,
        labels=names,
        output_kind=like.output_kind if like else "logits",
        front_end=like.front_end if like else {},
        input_meanings=[tensor.meaning for tensor in like.inputs] if like and fits else (),
        output_meanings=[tensor.meaning for tensor in like.outputs] if like and fits else (),
        notes=(
            f"Converted from {Path(report.model).name} to {report.form}; equal decisions on {report.parity.n} "
            f"{report.compared_on}: {agreement(report.parity)}.",
        ),
    )


def builtins(report: Report) -> dict[str, Any]:
    """The report as values that JSON can hold."""
    return asdict(report)
