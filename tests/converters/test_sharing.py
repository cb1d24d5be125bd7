"""A file whose zero points are shared answers as the one before did, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

import keras
from ai_edge_litert import schema_py_generated as schema
from keras import layers
from support.keras_models import batches, columns, convert_here, model

from converters import _worker, sharing
from converters.tflite import FORMS, Form
from edge.inference.interpreter import Interpreter


def unshared(source: Any, form: Form, calibration: dict[str, np.ndarray]) -> bytes:
    """As TensorFlow's converter writes it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_worker, "share_zero_points", lambda data: data)
        return convert_here(source, form, calibration if form == "int8" else None)


@pytest.mark.parametrize("kind", ["residual", "text", "lstm", "two"])
@pytest.mark.parametrize("form", FORMS)
def test_every_answer_is_the_same(kind: str, form: Form) -> None:
    before = unshared(model(kind), form, columns(kind))
    after = sharing.share_zero_points(before)
    assert len(after) <= len(before)
    was, now = Interpreter(before), Interpreter(after)
    assert (was.inputs, was.outputs) == (now.inputs, now.outputs)
    for row in batches(kind)[:10]:
        for one, other in zip(was.run(*row), now.run(*row), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_net_of_many_channels_is_smaller_and_its_weights_are_aligned() -> None:
    picture = keras.Input((8, 8, 3), name="picture")
    maps = picture
    for _ in range(4):
        maps = layers.DepthwiseConv2D(3, padding="same")(layers.Conv2D(48, 1, activation="relu")(maps))
    before = unshared(
        keras.Model(picture, maps), "int8", {"picture": np.random.default_rng(2).random((4, 8, 8, 3), "f4")}
    )
    after = sharing.share_zero_points(before)
    assert len(after) < len(before) - 6 * 2 * 8 * 48
    assert sharing.share_zero_points(after) == after
    buffers = schema.Model.GetRootAs(after, 0)
    weights = [buffers.Buffers(number) for number in range(buffers.BuffersLength())]
    starts = [one._tab.Vector(one._tab.Offset(4)) for one in weights if one.DataLength()]
    assert len(starts) >= 8
    assert all(start % 16 == 0 for start in starts)
