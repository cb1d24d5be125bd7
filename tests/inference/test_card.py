"""The card and its model file: which pairs `open_model` accepts and which it refuses."""

from __future__ import annotations

import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

from support.keras_models import converted, rows

from converters.cards import make_card, save
from edge.emotions import LABELS
from edge.errors import ConversionError, ModelError
from edge.inference import card as cards
from edge.inference.card import Corpus, Score
from edge.inference.interpreter import Interpreter, open_model


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model and its card, as training leaves them."""
    target = tmp_path / "text.tflite"
    data = converted("text", "int8")
    score = Score(model="int8", protocol="p", n=3, accuracy=1, macro_f1=1, uar=1, ece=0, per_class={"fear": {"f1": 1}})
    card = make_card(
        data,
        name="text",
        task="emotion of a sentence",
        version="7",
        file=target.name,
        temperature=1.25,
        front_end={"name": "tokens", "length": 24},
        thresholds={"fear": 0.4},
        training=[Corpus(name="made up", terms="CC0", rows=3)],
        scores=[score],
        input_meanings=["token ids"],
        output_meanings=["logits"],
    )
    save(data, card, target)
    return target


def change(path: Path, **values: Any) -> None:
    card = json.loads(cards.card_path(path).read_bytes())
    cards.card_path(path).write_text(json.dumps(card | values))


def test_a_saved_card_opens_again(path: Path) -> None:
    interpreter, card = open_model(path)
    data = converted("text", "int8")
    assert (card.sha256, card.bytes, card.file) == (cards.sha256(data), len(data), "text.tflite")
    assert card.labels == LABELS
    assert (card.version, card.temperature, card.thresholds) == ("7", 1.25, {"fear": 0.4})
    assert [(t.name, t.shape, t.dtype, t.meaning) for t in card.inputs] == [("ids", (1, 24), "int32", "token ids")]
    assert (card.outputs[0].dtype, card.outputs[0].meaning) == ("int8", "logits")
    assert card.outputs[0].scale == interpreter.outputs[0].scale > 0
    assert card.latency_ms > 0
    ids = rows("text")[0][0][None]
    np.testing.assert_array_equal(interpreter.run(ids)[0], Interpreter(data).run(ids)[0])


def test_the_prior_is_kept(path: Path) -> None:
    prior = [0.05, 0.05, 0.1, 0.2, 0.3, 0.15, 0.15]
    assert cards.read(cards.card_path(path)).prior == ()
    change(path, prior=prior)
    assert cards.read(cards.card_path(path)).prior == tuple(prior)


@pytest.mark.parametrize(
    "prior",
    [
        [0.5, 0.5],
        [0.1] * 7,
        [0.0, 0.4, 0.1, 0.1, 0.1, 0.1, 0.2],
        [-0.1, 0.5, 0.1, 0.1, 0.1, 0.1, 0.2],
        [1e999, 0.4, 0.1, 0.1, 0.1, 0.1, 0.2],
        ["0.1"] * 7,
    ],
)
def test_a_prior_is_positive_and_sums_to_one_over_the_labels(path: Path, prior: list[Any]) -> None:
    change(path, prior=prior)
    with pytest.raises(ModelError, match="is not a card"):
        open_model(path)


def test_nothing_else_is_left_in_the_folder(path: Path) -> None:
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["text.json", "text.tflite"]


def test_a_changed_byte_is_noticed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"text\.tflite does not match its card .*reinstall"):
        open_model(path)


@pytest.mark.parametrize("size", [0, 1000])
def test_a_file_cut_short_is_noticed(path: Path, size: int) -> None:
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ModelError, match=rf"does not match its card \({size} bytes; the card says {whole}\)"):
        open_model(path)


def test_a_file_whose_card_vouches_for_rubbish(path: Path) -> None:
    path.write_bytes(b"not a model at all, but with a card")
    change(path, sha256=cards.sha256(path.read_bytes()), bytes=path.stat().st_size)
    with pytest.raises(ModelError, match=r"text\.tflite is not a model that .* can run"):
        open_model(path)


def test_shapes_and_types_must_be_the_card_s(path: Path) -> None:
    tensor = {"name": "ids", "shape": [1, 25], "dtype": "int32"}
    change(path, inputs=[tensor])
    with pytest.raises(ModelError, match=r"its card says input \[\(\(1, 25\), 'int32'\)\], the file has"):
        open_model(path)
    change(path, inputs=[tensor | {"shape": [1, 24]}], outputs=[{"name": "x", "shape": [1, 7], "dtype": "float32"}])
    with pytest.raises(ModelError, match="its card says output"):
        open_model(path)


def test_missing_files_are_named(path: Path) -> None:
    path.unlink()
    with pytest.raises(ModelError, match=r"model .*text\.tflite: No such file"):
        open_model(path)
    cards.card_path(path).unlink()
    with pytest.raises(ModelError, match=r"model card .*text\.json: No such file.*needs its card"):
        open_model(path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schema": "edge-emotion/card/9"}, "has schema 'edge-emotion/card/9'"),
        ({"file": "other.tflite"}, "is about 'other.tflite', not 'text.tflite'"),
        ({"colour": "blue"}, "is not a card: .*colour"),
        ({"temperature": "hot"}, r"is not a card: .*temperature"),
        ({"temperature": 1e300}, r"is not a card: .*<= 100.*temperature"),
        ({"temperature": 0}, r"is not a card: .*>= 0.01.*temperature"),
        ({"temperature": -1.0}, r"is not a card: .*>= 0.01.*temperature"),
        ({"temperature": float("nan")}, "is not a card: "),
        ({"temperature": float("inf")}, "is not a card: "),
        ({"bytes": 10**30}, r"is not a card: .*bytes"),
        ({"bytes": 0}, r"is not a card: .*bytes"),
        ({"bytes": 2**40}, r"is not a card: .*bytes"),
        ({"sha256": "abc"}, r"is not a card: .*sha256"),
        ({"labels": [*LABELS[:-1], LABELS[0]]}, "is not a card: its labels have 'anger' more than once"),
        ({"labels": list(LABELS[:-1])}, "its card names 6 labels for 7 logits"),
        ({"labels": [*LABELS[:-1], "a\nb"]}, r"is not a card: .*labels"),
        ({"name": "two\nlines"}, r"is not a card: .*name"),
        ({"name": "a line\n"}, r"is not a card: .*name"),
        ({"task": "\x1b[2J"}, r"is not a card: .*task"),
        ({"version": "v" * 201}, r"is not a card: .*version"),
        ({"output_kind": "odds"}, r"is not a card: .*output_kind"),
        ({"thresholds": {"fear": 1.5}}, r"is not a card: .*thresholds"),
        ({"a\nkey": 1}, r"is not a card: .*a\?key"),
    ],
)
def test_invalid_cards_are_refused(path: Path, values: dict[str, Any], message: str) -> None:
    change(path, **values)
    with pytest.raises(ModelError, match=message):
        open_model(path)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe"])
def test_files_that_are_not_cards_are_refused(path: Path, content: bytes) -> None:
    cards.card_path(path).write_bytes(content)
    with pytest.raises(ModelError, match=r"text\.json is not a card"):
        open_model(path)


@pytest.mark.parametrize("key", ["front_end", "what nobody knows"])
def test_a_card_that_is_nested_too_deep(path: Path, key: str) -> None:
    text = cards.card_path(path).read_text().strip().removesuffix("}")
    cards.card_path(path).write_text(f'{text}, "{key}": ' + '{"a":' * 100_000)
    with pytest.raises(ModelError, match=r"text\.json is not a card"):
        open_model(path)


def test_a_card_may_have_a_million_bytes_and_not_one_more(path: Path) -> None:
    card = cards.card_path(path)
    card.write_bytes(card.read_bytes().ljust(cards.MAX_CARD_BYTES))
    open_model(path)
    card.write_bytes(card.read_bytes() + b" ")
    with pytest.raises(ModelError, match=r"text\.json is larger than 1,000,000 bytes"):
        open_model(path)


def test_a_huge_file_costs_no_time_and_no_memory(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(4 * 2**30)
    with cards.card_path(path).open("r+b") as file:
        file.truncate(4 * 2**30)
    tracemalloc.start()
    try:
        with pytest.raises(ModelError, match="larger than"):
            open_model(path)
        with cards.card_path(path).open("r+b") as file:
            file.truncate(len(file.read(100_000).rstrip(b"\0")))
        with pytest.raises(ModelError, match=r"does not match its card \(4294967296 bytes; the card says \d+\)"):
            open_model(path)
        assert tracemalloc.get_traced_memory()[1] < 10e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("which", ["model", "card"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("fifo", "not a regular file but a device, a FIFO or a socket"),
        ("device", "not a regular file but a device, a FIFO or a socket"),
        ("folder", "Is a directory"),
        ("dangling", "a link to /no/such/place, which does not exist"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_path_that_is_not_a_regular_file_is_refused_at_once(path: Path, which: str, kind: str, message: str) -> None:
    place = path if which == "model" else cards.card_path(path)
    place.unlink()
    if kind == "fifo":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to({"device": "/dev/zero", "dangling": "/no/such/place", "loop": place.name}[kind])
    started = time.monotonic()
    with pytest.raises(ModelError, match=message):
        open_model(path)
    assert time.monotonic() - started < 10


def test_a_link_to_a_model_is_a_model(path: Path) -> None:
    moved = path.rename(path.with_name("elsewhere"))
    path.symlink_to(moved)
    open_model(path)


@pytest.mark.parametrize(("key", "value"), [("scale", 2.0), ("scale", 0.0), ("zero_point", 1)])
def test_a_false_quantisation_is_refused(path: Path, key: str, value: float) -> None:
    (output,) = json.loads(cards.card_path(path).read_bytes())["outputs"]
    change(path, outputs=[output | {key: output[key] * value if key == "scale" else output[key] + value}])
    with pytest.raises(ModelError, match=r"its card says that output .* has scale .*, the file has "):
        open_model(path)
    change(path, outputs=[output | {"scale": float(f"{output['scale']:.7g}")}])
    open_model(path)


def test_a_card_that_could_not_be_read_back_is_not_saved(path: Path) -> None:
    data, card = cards.load(path)
    for bad in (
        msgspec.structs.replace(card, temperature=1e300),
        msgspec.structs.replace(card, temperature=float("nan")),
        msgspec.structs.replace(card, labels=("fear",) * 7),
    ):
        with pytest.raises(ConversionError, match="is not a card"):
            save(data, bad, path.with_name("text.tflite"))
    assert cards.load(path)[1] == card


def test_a_card_is_saved_only_with_its_own_file(path: Path) -> None:
    card = cards.read(cards.card_path(path))
    with pytest.raises(ConversionError, match="the card is about"):
        save(converted("text", "dynamic"), card, path)
    with pytest.raises(ConversionError, match="the card is about"):
        save(path.read_bytes(), card, path.with_name("other.tflite"))


def test_a_place_that_cannot_be_written_is_named(path: Path) -> None:
    card = cards.read(cards.card_path(path))
    with pytest.raises(ConversionError, match=r"cannot write .*text\.tflite"):
        save(path.read_bytes(), card, path / "text.tflite")


def test_meanings_must_fit_the_tensors() -> None:
    with pytest.raises(ConversionError, match="2 input meanings for a model of 1 inputs"):
        make_card(converted("text", "int8"), name="x", task="x", file="x.tflite", input_meanings=["a", "b"])
