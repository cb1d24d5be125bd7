"""The embedding as second output of a finished file: same bits, same card otherwise, refused where there is none."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest

from converters.second_output import with_embedding
from edge import shipped
from edge.errors import ConversionError
from edge.inference import card as cards
from edge.inference.interpreter import Interpreter, open_model

NET = shipped.folder() / "fusion" / "folds" / "action_units0.tflite"


def test_the_first_output_keeps_every_bit() -> None:
    before, after = (Interpreter(data) for data in (NET.read_bytes(), with_embedding(NET.read_bytes())))
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = rng.uniform(-4, 4, (1, 35)).astype(np.float32)
        (logits,), (same, embedding) = before.run(values), after.run(values)
        np.testing.assert_array_equal(logits, same)
        assert embedding.shape == (1, 64)
        assert (embedding >= 0).all()
        assert embedding.any()


def test_the_embedding_is_what_the_last_layer_reads() -> None:
    from converters.restore import operations

    data = with_embedding(NET.read_bytes())
    logits, embedding = Interpreter(data).run(np.full((1, 35), 0.5, np.float32))
    last = operations(data)[-1]
    step = Interpreter(data).outputs[0].scale
    np.testing.assert_allclose(embedding @ last.kernel + last.bias, logits, atol=step)


def test_a_file_that_has_it_stays_as_it_is() -> None:
    once = with_embedding(NET.read_bytes())
    assert with_embedding(once) == once


def test_the_file_hardly_grows() -> None:
    assert len(with_embedding(NET.read_bytes())) - NET.stat().st_size < 256


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ConversionError, match=r"not a \.tflite file"):
        with_embedding(b"no model at all")


def test_a_model_that_ends_in_a_convolution_is_refused() -> None:
    data = (shipped.folder() / "voice" / "folds" / "melpitch.tflite").read_bytes()
    with pytest.raises(ConversionError, match="embedding"):
        with_embedding(data)


def test_the_card_gets_the_tensor_and_keeps_its_scores(tmp_path: Path) -> None:
    from models.fusion import embeddings

    for path in (NET, NET.with_suffix(".json")):
        shutil.copy(path, tmp_path)
    copy = tmp_path / NET.name
    before = cards.read(cards.card_path(copy))
    assert embeddings.add(copy)
    interpreter, card = open_model(copy)
    assert card.outputs[1].shape == (1, 64) == interpreter.outputs[1].shape
    assert card.outputs[1].meaning.startswith("embedding")
    assert msgspec.structs.replace(card, outputs=before.outputs, sha256=before.sha256, bytes=before.bytes) == before
    assert not embeddings.add(copy)


def test_the_numbers_of_the_fusion_follow_the_model(tmp_path: Path) -> None:
    from models.fusion import embeddings

    numbers = tmp_path / "fusion.json"
    numbers.write_text(f'{{"face": "{"a" * 64}", "voice": "{"b" * 64}"}}')
    embeddings.rename(numbers, "a" * 64, "c" * 64)
    assert numbers.read_text() == f'{{"face": "{"c" * 64}", "voice": "{"b" * 64}"}}'
    embeddings.rename(tmp_path / "none.json", "a" * 64, "c" * 64)
