"""The int8 model's mean answer is the float model's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

keras = pytest.importorskip("keras")

from converters.bias import convert_corrected, shift
from converters.tflite import convert


def net() -> Any:
    """Deep and narrow, so that the rounding of its weights shows."""
    keras.utils.set_random_seed(5)
    image = keras.Input((16, 16, 1))
    out = image
    for _ in range(6):
        out = keras.layers.ReLU(6.0)(keras.layers.Conv2D(6, 3, padding="same", bias_initializer="random_normal")(out))
    out = keras.layers.GlobalAveragePooling2D()(out)
    return keras.Model(image, keras.layers.Dense(3, name="logits")(out))


def test_correction_takes_the_shift_away_and_leaves_the_model_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    model = net()
    before = [weights.copy() for weights in model.get_weights()]
    rng = np.random.default_rng(1)
    rows = [(rng.random((1, 16, 16, 1), np.float32),) for _ in range(100)]
    floating = convert(model, "float32")
    made: list[bytes] = []

    def remembered(*given: Any) -> bytes:
        made.append(convert(*given))
        return made[-1]

    monkeypatch.setattr("converters.bias.convert", remembered)
    corrected = convert_corrected(model, "logits", floating, rows)
    plain = made[0]
    moved, left = np.abs(shift(floating, plain, rows)).max(), np.abs(shift(floating, corrected, rows)).max()
    assert moved > 0
    assert left < 0.5 * moved
    assert all(np.array_equal(old, new) for old, new in zip(before, model.get_weights(), strict=True))
