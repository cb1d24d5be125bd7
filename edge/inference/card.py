"""A model card: what a `.tflite` file is, and the check that the file beside it is that one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import msgspec

from edge.errors import ModelError

SCHEMA = "edge-emotion/card/1"


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input or output as it stands in the file."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    """NumPy's name, such as `int8`."""
    scale: float = 0.0
    """real = scale · (quantised − zero_point); 0 where the tensor is not quantised."""
    zero_point: int = 0
    meaning: str = ""
    """What the real values are, with range and unit."""


class Corpus(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One corpus the model was trained on."""

    name: str
    terms: str
    rows: int


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measurement, as `evaluate` prints it."""

    model: str
    """`int8`, `float32` …: which form of the model."""
    protocol: str
    n: int
    accuracy: float
    """0…1; multi-label: share of rows with exactly the right set."""
    macro_f1: float
    uar: float
    """Unweighted average recall."""
    ece: float
    """Expected calibration error, 15 equal-width bins."""
    per_class: dict[str, dict[str, float]]
    """Label → precision, recall, f1, n."""


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The card of one model; lies beside the model as `<stem>.json`."""

    schema: str = SCHEMA
    name: str
    task: str
    version: str
    file: str
    """Name of the model file, in the same folder."""
    sha256: str
    bytes: int
    labels: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    output_kind: str
    """`logits` (softmax makes probabilities), `multilabel_logits` (a sigmoid each, over their sum where one label is
    asked for) or `other`."""
    temperature: float = 1.0
    """Logits are divided by it (Guo et al., On Calibration of Modern Neural Networks, ICML 2017)."""
    front_end: dict[str, Any] = {}
    """Name and parameters of the code that makes the input; the device refuses one it does not have."""
    thresholds: dict[str, float] = {}
    """Decision thresholds on probabilities, where the task has them."""
    training: tuple[Corpus, ...] = ()
    train_command: str = ""
    recipe: str = ""
    scores: tuple[Score, ...] = ()
    latency_ms: float = 0.0
    """Median of one inference on one x86-64 core, as measured at training; a hint, not a promise."""
    notes: tuple[str, ...] = ()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def card_path(model: Path) -> Path:
    return model.with_suffix(".json")


def read(path: Path) -> Card:
    """The card at `path`. Raises `ModelError`."""
    try:
        card = msgspec.json.decode(path.read_bytes(), type=Card)
    except OSError as error:
        raise ModelError(f"model card {path}: {error.strerror}; every model needs its card beside it") from error
    except msgspec.DecodeError as error:
        raise ModelError(f"model card {path} is not a card: {error}") from error
    if card.schema != SCHEMA:
        raise ModelError(f"model card {path} has schema {card.schema!r}; this version reads {SCHEMA!r}")
    return card


def encode(card: Card) -> bytes:
    """The card as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n"


def write(card: Card, path: Path) -> None:
    """Writes the card as indented JSON."""
    path.write_bytes(encode(card))


def load(model: Path) -> tuple[bytes, Card]:
    """The bytes of a model file, checked against the card beside it. Raises `ModelError`."""
    card = read(card_path(model))
    if card.file != model.name:
        raise ModelError(f"model card {card_path(model)} is about {card.file!r}, not {model.name!r}")
    try:
        data = model.read_bytes()
    except OSError as error:
        raise ModelError(f"model {model}: {error.strerror}; reinstall the package or name another file") from error
    if sha256(data) != card.sha256:
        raise ModelError(
            f"model {model} does not match its card ({len(data)} bytes, sha256 {sha256(data)[:12]}…; "
            f"the card says {card.bytes} bytes, {card.sha256[:12]}…): reinstall the package or make a new card"
        )
    return data, card
