"""Makes the card of a model that was just converted, and writes both."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from edge.emotions import LABELS
from edge.errors import ConversionError, ModelError
from edge.inference import card as cards
from edge.inference.card import Card, Corpus, OutputKind, Score, Tensor
from edge.inference.interpreter import Interpreter


def make_card(
    data: bytes,
    *,
    name: str,
    task: str,
    file: str,
    version: str = "1",
    output_kind: OutputKind = "logits",
    labels: Sequence[str] = LABELS,
    temperature: float = 1.0,
    prior: Sequence[float] = (),
    front_end: Mapping[str, Any] | None = None,
    thresholds: Mapping[str, float] | None = None,
    training: Sequence[Corpus] = (),
    train_command: str = "",
    recipe: str = "",
    scores: Sequence[Score] = (),
    notes: Sequence[str] = (),
    input_meanings: Sequence[str] = (),
    output_meanings: Sequence[str] = (),
) -> Card:
    """The card of `data`. Hash, size, tensors and latency are taken from the file itself.

    Args:
        data: The bytes of a `.tflite` file.
        name: The model's name.
        task: What it predicts.
        file: File name of the model, without folder.
        version: The model's version.
        output_kind, labels, temperature, prior, front_end, thresholds, training, train_command, recipe, scores, notes:
            As the fields of `Card`.
        input_meanings: One text per input, in order, or none at all.
        output_meanings: One text per output, in order, or none at all.

    Raises:
        ModelError: The file does not run.
        ConversionError: The number of meanings differs from the number of tensors.
    """
    interpreter = Interpreter(data, f"model {file}")
    return Card(
        name=name,
        task=task,
        version=version,
        file=file,
        sha256=cards.sha256(data),
        bytes=len(data),
        labels=tuple(labels),
        inputs=_explained(interpreter.inputs, input_meanings, "input"),
        outputs=_explained(interpreter.outputs, output_meanings, "output"),
        output_kind=output_kind,
        temperature=temperature,
        prior=tuple(prior),
        front_end=dict(front_end or {}),
        thresholds=dict(thresholds or {}),
        training=tuple(training),
        train_command=train_command,
        recipe=recipe,
        scores=tuple(scores),
        latency_ms=round(latency(data).median_ms, 3),
        notes=tuple(notes),
    )


def _explained(tensors: Sequence[Tensor], meanings: Sequence[str], kind: str) -> tuple[Tensor, ...]:
    if meanings and len(meanings) != len(tensors):
        raise ConversionError(f"{len(meanings)} {kind} meanings for a model of {len(tensors)} {kind}s")
    return tuple(
        msgspec.structs.replace(tensor, meaning=meaning)
        for tensor, meaning in zip(tensors, meanings or [""] * len(tensors), strict=True)
    )


@dataclass(frozen=True, slots=True)
class Latency:
    """Time of one inference on one thread in milliseconds, including the quantisation of input and output."""

    median_ms: float
    p95_ms: float
    runs: int


def latency(data: bytes, runs: int = 200, budget_s: float = 5.0) -> Latency:
    """Measures inferences on zeros after five to warm up; stops early after `budget_s` seconds."""
    interpreter = Interpreter(data)
    values = [np.zeros(tensor.shape, np.float32) for tensor in interpreter.inputs]
    for _ in range(5):
        interpreter.run(*values)
    spent: list[float] = []
    while len(spent) < runs and sum(spent) < budget_s * 1e3:
        start = time.perf_counter()
        interpreter.run(*values)
        spent.append((time.perf_counter() - start) * 1e3)
    return Latency(float(np.median(spent)), float(np.percentile(spent, 95)), len(spent))


def save(data: bytes, card: Card, path: Path) -> None:
    """Writes the model at `path` and its card beside it, each whole or not at all.

    Raises:
        ConversionError: The card is about another file, is not one that `open_model` takes, or cannot be written.
    """
    if card.file != path.name or card.sha256 != cards.sha256(data):
        raise ConversionError(f"the card is about {card.file!r} ({card.sha256[:12]}…), not about what goes to {path}")
    try:
        cards.decode(cards.encode(card))
    except ModelError as error:
        raise ConversionError(f"the card of {path} {error}") from error
    # Between the two renames the new model lies beside the old card, whose hash differs, so nobody runs it.
    write_whole(path, data)
    write_whole(cards.card_path(path), cards.encode(card))


def write_whole(path: Path, data: bytes) -> None:
    """Replaces `path` by `data` in one step. Raises `ConversionError`."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        raise ConversionError(f"cannot write {path}: {error.strerror}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
