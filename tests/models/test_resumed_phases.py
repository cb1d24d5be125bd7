"""A training of two phases that is started again goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="no keras here (pip install 'edge-emotion[train]')")

from models import training


def phases(folder: Path, second: int) -> list[int]:
    """Trains five epochs of a first phase and `second` of a second; returns the epochs that the second has logged."""
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    x, y = np.ones((8, 3), np.float32), np.zeros((8, 2), np.float32)
    for name, epochs in (("first", 5), ("second", second)):
        model.compile(optimizer="sgd", loss="mse")
        best = training.fit(
            model,
            _Rows(x, y),
            (x, y),
            epochs=epochs,
            folder=folder / name,
            monitor="val_loss",
            mode="min",
        )
        model.load_weights(best)
    return [json.loads(line)["epoch"] for line in (folder / "second/log.jsonl").read_text().splitlines()]


class _Rows(keras.utils.PyDataset):  # type: ignore[misc, name-defined]
    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        super().__init__()
        self._batch = x, y

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return self._batch


def test_a_short_second_phase_runs_after_a_restored_first_one(tmp_path: Path) -> None:
    """Keras keeps the restored epoch in the model, so that a phase of fewer epochs would not run at all."""
    assert phases(tmp_path, 2) == [1, 2]
    assert phases(tmp_path, 4) == [1, 2, 3, 4]
    for file in (tmp_path / "second").rglob("*"):
        if file.is_file():
            file.unlink()
    assert phases(tmp_path, 3) == [1, 2, 3]
