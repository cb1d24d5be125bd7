"""Small Keras models of the kinds this project trains, and their conversions, each made once a test run.

The conversions run the worker's code in this process: it has TensorFlow loaded anyway, and none of them crashes.
"""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY = 4000
TOKENS = 24


@functools.cache
def model(kind: str) -> Any:
    """`residual` (Conv2D, batch normalisation), `text` (Embedding, Conv1D, attention pooling), `lstm` (unrolled),
    `rolled` (the same, not unrolled), `two` (two inputs and two outputs, not in alphabetic order)."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(7)
    if kind == "residual":
        picture = keras.Input((24, 24, 1), name="picture")
        x = layers.Conv2D(16, 3, padding="same", use_bias=False)(picture)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        y = layers.Conv2D(16, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D()(layers.Add()([x, y]))
        return keras.Model(picture, layers.Dense(7)(layers.Flatten()(x)), name=kind)
    if kind == "text":
        ids = keras.Input((TOKENS,), dtype="int32", name="ids")
        x = layers.Embedding(VOCABULARY, 32, embeddings_initializer="normal")(ids)
        x = layers.Conv1D(64, 3, padding="same", activation="relu")(x)
        weight = layers.Softmax(axis=1)(layers.Dense(1)(x))
        pooled = keras.ops.sum(x * weight, axis=1)
        return keras.Model(ids, layers.Dense(7)(layers.Dense(64, activation="relu")(pooled)), name=kind)
    if kind in ("lstm", "rolled"):
        series = keras.Input((12, 10), name="series")
        x = layers.LSTM(16, unroll=kind == "lstm")(series)
        return keras.Model(series, layers.Dense(7)(x), name=kind)
    if kind == "two":
        late = keras.Input((3,), name="zulu")
        early = keras.Input((4,), name="alpha")
        x = layers.Concatenate()([layers.Dense(8)(late), layers.Dense(8)(early)])
        return keras.Model([late, early], [layers.Dense(2, name="y")(x), layers.Dense(5, name="b")(x)], name=kind)
    raise ValueError(kind)


@functools.cache
def rows(kind: str, count: int = 60) -> tuple[tuple[np.ndarray, ...], ...]:
    """Inputs without a batch."""
    generator = np.random.default_rng(11)

    def one(tensor: Any) -> np.ndarray:
        if tensor.dtype == "int32":
            return generator.integers(0, VOCABULARY, tensor.shape[1:]).astype(np.int32)
        return generator.standard_normal(tensor.shape[1:]).astype(np.float32)

    return tuple(tuple(one(tensor) for tensor in model(kind).inputs) for _ in range(count))


def batches(kind: str) -> list[tuple[np.ndarray, ...]]:
    """The same inputs with a batch of one."""
    return [tuple(value[None] for value in row) for row in rows(kind)]


def columns(kind: str) -> dict[str, np.ndarray]:
    """The same inputs as arrays by name, for an `.npz`."""
    names = [tensor.name for tensor in model(kind).inputs]
    return {name: np.stack([row[index] for row in rows(kind)]) for index, name in enumerate(names)}


def convert_here(source: Any, form: str, calibration: dict[str, np.ndarray] | None = None, **job: Any) -> bytes:
    """Converts a Keras model, or the file of one, in this process."""
    from converters import _worker
    from converters.job import Job

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = source
        if not isinstance(source, Path):
            path = folder / "source.keras"
            source.save(path)
        if calibration is not None:
            np.savez(folder / "calibration.npz", **calibration)  # type: ignore[arg-type]
        _worker.work(Job(model=str(path), form=form, **job), folder)  # type: ignore[arg-type]
        return (folder / "model.tflite").read_bytes()


@functools.cache
def converted(kind: str, form: str, options: str = "{}") -> bytes:
    """`model(kind)` in `form`; `options` is JSON."""
    return convert_here(model(kind), form, columns(kind) if form == "int8" else None, **json.loads(options))
