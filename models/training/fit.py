"""One training run: cosine learning-rate schedule, resumable checkpoints, a log, and the best epoch's weights."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras


def append_to_log(folder: Path, row: Mapping[str, Any]) -> None:
    """Appends one line to `log.jsonl` in a run's folder, which is created if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports each epoch as one line on the terminal and in `log.jsonl` beside the checkpoints."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row: dict[str, Any] = {"epoch": epoch + 1, "seconds": round(time.monotonic() - self._started, 1)}
        row |= {name: round(float(value), 5) for name, value in (logs or {}).items()}
        append_to_log(self._folder, row)
        print(json.dumps(row), flush=True)


class StartEpoch(keras.callbacks.Callback):  # type: ignore[misc]
    """Calls `start(epoch)` of a dataset, so that a resumed run shuffles and augments like an uninterrupted one."""

    def __init__(self, dataset: Any) -> None:
        super().__init__()
        self._dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._dataset.start(epoch)


def cosine(peak: float, epochs: int, steps: int, warmup_epochs: int = 2) -> Any:
    """Learning rate with a linear warm-up, then a cosine decay to zero (Loshchilov & Hutter, SGDR, 2017).

    Args:
        peak: Highest learning rate, reached at the end of the warm-up.
        epochs: Length of the whole run.
        steps: Batches per epoch.
        warmup_epochs: Length of the warm-up, at most `epochs`.
    """
    warmup = min(warmup_epochs, epochs) * steps
    return keras.optimizers.schedules.CosineDecay(
        peak / 25, max(1, epochs * steps - warmup), alpha=0.0, warmup_target=peak, warmup_steps=warmup
    )


def fit(
    model: Any,
    train: Any,
    validation: Any,
    *,
    epochs: int,
    folder: Path,
    monitor: str,
    mode: str = "max",
    callbacks: Sequence[Any] = (),
) -> Path:
    """Trains a compiled model, or resumes the run in `folder`; a run killed at any moment loses at most one epoch.

    Args:
        model: The compiled Keras model.
        train: Training batches; if they have a method `start(epoch)`, it is called before each epoch.
        validation: Inputs and targets for the metrics of each epoch, or None.
        epochs: Number of epochs, those of the resumed run included.
        folder: Folder for checkpoints and log.
        monitor: Metric that decides which epoch is best.
        mode: `max` or `min`, the direction in which `monitor` improves.
        callbacks: Further Keras callbacks.

    Returns:
        Path of the weights of the best epoch.
    """
    folder.mkdir(parents=True, exist_ok=True)
    best = folder / "best.weights.h5"
    # A phase that was restored leaves its last epoch in the model; the next phase would begin there, or not at all.
    model._initial_epoch = None
    model.fit(
        train,
        validation_data=validation,
        epochs=epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False),
            keras.callbacks.ModelCheckpoint(
                best, monitor=monitor, mode=mode, save_best_only=True, save_weights_only=True
            ),
            Progress(folder),
            *callbacks,
            *([StartEpoch(train)] if hasattr(train, "start") else []),
        ],
    )
    return best
