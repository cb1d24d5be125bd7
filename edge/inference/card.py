"""Model cards: the description of a `.tflite` file, and the check that a file matches its card."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from edge.errors import ModelError
from edge.regular_file import open_regular, size

SCHEMA = "edge-emotion/card/1"
"""Identifier and version of the card format."""

MAX_CARD_BYTES: Final = 1_000_000
"""A larger card is refused; the longest shipped card has 28 kB."""
MAX_MODEL_BYTES: Final = 256 * 1024 * 1024
"""A larger model is refused, because a Raspberry Pi with 1 GB of memory could not run it."""

Text: TypeAlias = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""A short text without control characters, because it is logged and published."""
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
"""A non-empty short text without control characters."""
Side: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1)]
"""Length of one axis of a tensor."""
OutputKind: TypeAlias = Literal["logits", "multilabel_logits", "other"]
"""Meaning of the first output; see `Card.output_kind`."""
Dtype: TypeAlias = Literal[
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float16", "float32", "float64", "bool"
]
"""Data type of a tensor, by its NumPy name."""


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input or output tensor of the model file."""

    name: str
    """Name of the tensor."""
    shape: Annotated[tuple[Side, ...], Meta(max_length=8)]
    """Shape of the tensor, batch axis included."""
    dtype: Dtype
    """Data type by its NumPy name, such as `int8`."""
    scale: Annotated[float, Meta(ge=0)] = 0.0
    """Quantisation scale in real = scale · (quantised − zero_point); 0 if the tensor is not quantised."""
    zero_point: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] = 0
    """Quantised value that represents 0."""
    meaning: str = ""
    """Meaning of the real values, with range and unit."""


class Corpus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A corpus that the model was trained on."""

    name: str
    """Name of the corpus."""
    terms: str
    """Licence or terms of use."""
    rows: int
    """Number of samples used."""


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Scores of one form of the model under one protocol, as printed by the `evaluate` commands."""

    model: str
    """Form of the model that was measured: `int8`, `float32`, …"""
    protocol: str
    """Name of the evaluation protocol and its data."""
    n: int
    """Number of samples evaluated."""
    accuracy: float
    """Accuracy, 0…1; for multi-label tasks the share of samples whose set of labels is exactly right."""
    macro_f1: float
    """F1 score averaged over the classes, 0…1."""
    uar: float
    """Unweighted average recall, 0…1."""
    ece: float
    """Expected calibration error with 15 bins of equal width, 0…1."""
    per_class: dict[str, dict[str, float]]
    """Label → precision, recall, f1 and n."""
    baseline: int = 0
    """Number of the same person's other samples that the model knew as a baseline; 0 for a stranger."""


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card of a model, stored as `<stem>.json` beside the model file."""

    schema: str = SCHEMA
    """Identifier of the card format."""
    name: Name
    """Name of the model."""
    task: Text
    """Task that the model solves."""
    version: Text
    """Version of the model."""
    file: Name
    """Name of the model file in the same folder."""
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """SHA-256 of the model file in lower-case hexadecimal digits."""
    bytes: Annotated[int, Meta(ge=1, le=MAX_MODEL_BYTES)]
    """Size of the model file in bytes."""
    labels: Annotated[tuple[Name, ...], Meta(max_length=1000)]
    """Labels of the columns of the first output, in order and without duplicates."""
    inputs: tuple[Tensor, ...]
    """Input tensors in the order of the file."""
    outputs: tuple[Tensor, ...]
    """Output tensors in the order of the file."""
    output_kind: OutputKind
    """Meaning of the first output. `logits`: a softmax gives the probabilities. `multilabel_logits`: a sigmoid gives
    the probability of each label; for a single label, the sigmoids are divided by their sum. `other`: described by
    the meanings of the outputs."""
    temperature: Annotated[float, Meta(ge=0.01, le=100)] = 1.0
    """Calibration temperature by which logits are divided (Guo et al., On Calibration of Modern Neural Networks, ICML
    2017). Outside 0.01…100 every posterior would be one-hot or uniform."""
    prior: Annotated[tuple[Annotated[float, Meta(gt=0, le=1)], ...], Meta(max_length=1000)] = ()
    """Prior probability of each label that the posterior assumes: the weighted label frequencies of the training rows.
    Fusion divides it out before it applies the prior of the place. Empty if it is unknown or uniform."""
    front_end: dict[str, Any] = {}
    """Name and parameters of the code that computes the input; a model with an unknown front end is refused."""
    thresholds: dict[str, Annotated[float, Meta(ge=0, le=1)]] = {}
    """Label → decision threshold on its probability, for tasks that use thresholds."""
    training: tuple[Corpus, ...] = ()
    """Corpora that the model was trained on."""
    train_command: str = ""
    """Command that trained the model."""
    recipe: str = ""
    """Architecture and training of the model in words."""
    scores: tuple[Score, ...] = ()
    """Measured scores."""
    latency_ms: float = 0.0
    """Median duration of one inference in milliseconds, measured on one x86-64 core when the model was made."""
    notes: tuple[str, ...] = ()
    """Further remarks."""


def sha256(data: bytes) -> str:
    """Returns the SHA-256 of `data` in lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def card_path(model: Path) -> Path:
    """Returns the path of the card that belongs to a model file."""
    return model.with_suffix(".json")


def read(path: Path) -> Card:
    """Reads the card at `path`. Raises `ModelError`."""
    try:
        with open_regular(path) as file:
            data = file.read(MAX_CARD_BYTES + 1)
    except OSError as error:
        raise ModelError(f"model card {path}: {error.strerror}; every model needs its card beside it") from error
    if len(data) > MAX_CARD_BYTES:
        raise ModelError(f"model card {path} is larger than {MAX_CARD_BYTES:,} bytes: not a card")
    try:
        return decode(data)
    except ModelError as error:
        raise ModelError(f"model card {path} {error}") from error


def decode(data: bytes) -> Card:
    """Parses the JSON of a card.

    Raises `ModelError`, whose message continues a sentence that starts with the name of the card.
    """
    try:
        card = msgspec.json.decode(data, type=Card)
    except msgspec.DecodeError as error:
        raise ModelError(f"is not a card: {_reason(error)}") from error
    except RecursionError as error:
        raise ModelError("is not a card: its JSON is nested too deep") from error
    if card.schema != SCHEMA:
        raise ModelError(f"has schema {card.schema!r}; this version reads {SCHEMA!r}")
    if len(set(card.labels)) < len(card.labels):
        twice = next(label for label in card.labels if card.labels.count(label) > 1)
        raise ModelError(f"is not a card: its labels have {twice!r} more than once")
    if card.prior and (len(card.prior) != len(card.labels) or not math.isclose(sum(card.prior), 1.0, abs_tol=0.001)):
        raise ModelError(
            f"is not a card: its prior has {len(card.prior)} numbers with the sum {sum(card.prior):g}; it needs one "
            f"for each of the {len(card.labels)} labels, with the sum 1"
        )
    return card


def _reason(error: Exception) -> str:
    """Returns the message as one short printable line, because it may quote a key of the file."""
    return "".join(char if char.isprintable() else "?" for char in str(error))[:300]


def encode(card: Card) -> bytes:
    """Returns the card as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"


def write(card: Card, path: Path) -> None:
    """Writes the card to `path` as indented JSON."""
    path.write_bytes(encode(card))


def load(model: Path) -> tuple[bytes, Card]:
    """Reads a model file and checks it against the card beside it.

    A file whose size differs from the card is refused without reading it.

    Returns:
        The bytes of the model file, and its card.

    Raises:
        ModelError: The file or its card is missing, damaged or not a regular file, or the card describes another file.
    """
    card = read(card_path(model))
    if card.file != model.name:
        raise ModelError(f"model card {card_path(model)} is about {card.file!r}, not {model.name!r}")
    try:
        with open_regular(model) as file:
            found = size(file)
            data = file.read(card.bytes) if found == card.bytes else None
    except OSError as error:
        raise ModelError(f"model {model}: {error.strerror}; reinstall the package or name another file") from error
    if data is None:
        raise ModelError(
            f"model {model} does not match its card ({found} bytes; the card says {card.bytes}): "
            "reinstall the package or make a new card"
        )
    if sha256(data) != card.sha256:
        raise ModelError(
            f"model {model} does not match its card (sha256 {sha256(data)[:12]}…; the card says "
            f"{card.sha256[:12]}…): reinstall the package or make a new card"
        )
    return data, card
