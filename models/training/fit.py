"""One training run: a cosine schedule, resuming, a log, the best epoch kept."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras


def append_to_log(folder: Path, row: Mapping[str, Any]) -> None:
    """One line more in `log.jsonl` of a run's folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row, ensure_ascii=False) + "\n")


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """One line an epoch, on the terminal and in `log.jsonl` beside the checkpoints."""

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
    """Calls `start(epoch)` of a dataset, so that a resumed run shuffles and augments as an unbroken one would."""

    def __init__(self, dataset: Any) -> None:
        super().__init__()
        self._dataset = dataset

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._dataset.start(epoch)


def cosine(peak: float, epochs: int, steps: int, warmup_epochs: int = 2) -> Any:
    """Linear warm-up to `peak`, then a cosine to zero (Loshchilov & Hutter, SGDR, 2017)."""
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
    """Trains, or goes on with the run in `folder`; returns the weights of the best epoch by `monitor`.

    Where `train` has a method `start(epoch)`, it is called before each epoch.
    Safe to kill at any moment: at most one epoch is lost.
    """
    folder.mkdir(parents=True, exist_ok=True)
    best = folder / "best.weights.h5"
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
