"""A model card: what a `.tflite` file is, and the check that the file beside it is that one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from edge.errors import ModelError
from edge.regular_file import open_regular, size

SCHEMA = "edge-emotion/card/1"

MAX_CARD_BYTES: Final = 1_000_000
"""The longest card that ships has 28 kB."""
MAX_MODEL_BYTES: Final = 256 * 1024 * 1024
"""A larger model leaves a Raspberry Pi with 1 GB too little memory to run it."""

Text: TypeAlias = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
"""A short text without control characters, since it is logged and published."""
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Side: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1)]
OutputKind: TypeAlias = Literal["logits", "multilabel_logits", "other"]
Dtype: TypeAlias = Literal[
    "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float16", "float32", "float64", "bool"
]


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input or output as it stands in the file."""

    name: str
    shape: Annotated[tuple[Side, ...], Meta(max_length=8)]
    dtype: Dtype
    """NumPy's name, such as `int8`."""
    scale: Annotated[float, Meta(ge=0)] = 0.0
    """real = scale · (quantised − zero_point); 0 where the tensor is not quantised."""
    zero_point: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)] = 0
    meaning: str = ""
    """What the real values are, with range and unit."""


class Corpus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A corpus that the model was trained on."""

    name: str
    terms: str
    rows: int


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scores of one form of the model under one protocol, as the `evaluate` commands print them."""

    model: str
    """The form of the model that was measured: `int8`, `float32`, …"""
    protocol: str
    n: int
    accuracy: float
    """0…1. For multi-label tasks: share of rows with exactly the right set of labels."""
    macro_f1: float
    uar: float
    """Unweighted average recall."""
    ece: float
    """Expected calibration error, 15 equal-width bins."""
    per_class: dict[str, dict[str, float]]
    """Label → precision, recall, f1, n."""


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card of a model. The file `<stem>.json` beside the model holds it."""

    schema: str = SCHEMA
    name: Name
    task: Text
    version: Text
    file: Name
    """Name of the model file, in the same folder."""
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    """Lower-case hexadecimal digits."""
    bytes: Annotated[int, Meta(ge=1, le=MAX_MODEL_BYTES)]
    """Size of the model file."""
    labels: Annotated[tuple[Name, ...], Meta(max_length=1000)]
    """Names of the columns of the first output, in order, each once."""
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    output_kind: OutputKind
    """`logits`: softmax gives the probabilities. `multilabel_logits`: a sigmoid for each label; where one label is
    asked for, the sigmoids over their sum. `other`: described by the outputs' meanings."""
    temperature: Annotated[float, Meta(ge=0.01, le=100)] = 1.0
    """Logits are divided by it (Guo et al., On Calibration of Modern Neural Networks, ICML 2017). Beyond 0.01…100 every
    posterior is 0 and 1, or uniform."""
    front_end: dict[str, Any] = {}
    """Name and parameters of the code that makes the input; the device refuses one it does not have."""
    thresholds: dict[str, Annotated[float, Meta(ge=0, le=1)]] = {}
    """Decision thresholds on probabilities, where the task has them."""
    training: tuple[Corpus, ...] = ()
    train_command: str = ""
    recipe: str = ""
    scores: tuple[Score, ...] = ()
    latency_ms: float = 0.0
    """Median time of one inference on one x86-64 core when the model was made. Other machines differ."""
    notes: tuple[str, ...] = ()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def card_path(model: Path) -> Path:
    return model.with_suffix(".json")


def read(path: Path) -> Card:
    """The card at `path`. Raises `ModelError`."""
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
    """The card from its JSON. Raises `ModelError`, whose text follows the name of the card."""
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
    return card


def _reason(error: Exception) -> str:
    """One short line: the message may quote a key of the file."""
    return "".join(char if char.isprintable() else "?" for char in str(error))[:300]


def encode(card: Card) -> bytes:
    """The card as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"


def write(card: Card, path: Path) -> None:
    """Writes the card as indented JSON."""
    path.write_bytes(encode(card))


def load(model: Path) -> tuple[bytes, Card]:
    """The bytes of a model file, checked against the card beside it.

    No more is read than the card states, so a file of another size costs nothing.

    Raises:
        ModelError: The file or its card is missing, not a regular file, or damaged, or they are about different files.
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
