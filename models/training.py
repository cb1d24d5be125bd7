"""What every training run here shares: one seed, a cosine schedule, resuming, the best epoch kept."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from numpy.typing import NDArray

from models.corpora import add_data_option


def argument_parser(module: str, epochs: int, about: str | None = None) -> argparse.ArgumentParser:
    """The options common to every `python -m models.<module>` that trains; `about` it, where no model is shipped."""
    task = module.removesuffix(".train")
    parser = argparse.ArgumentParser(
        prog=f"python -m models.{module}", description=about or f"Train, quantise and card the {task} model."
    )
    add_data_option(parser)
    parser.add_argument("--epochs", type=int, default=epochs, help="passes over the training rows (%(default)s)")
    parser.add_argument("--seed", type=int, default=2013, help="of weights, order and augmentation (%(default)s)")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs") / task, help="checkpoints; a run found here resumes (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="where the .tflite and its card go (default: the shipped place)")
    parser.add_argument("--quick", action="store_true", help="a few batches only: proves that the whole recipe runs")
    return parser


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """One line an epoch, on the terminal and in `log.jsonl` beside the checkpoints."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._log = folder / "log.jsonl"

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row: dict[str, Any] = {"epoch": epoch + 1, "seconds": round(time.monotonic() - self._started, 1)}
        row |= {name: round(float(value), 5) for name, value in (logs or {}).items()}
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Whole batches of shuffled rows; a subclass makes a `batch` of them.

    Order and whatever chance has a part in a batch follow from seed, epoch and the batch's number alone, so that a
    resumed run sees what an unbroken one would.
    """

    def __init__(self, rows: int | NDArray[np.int64], size: int, seed: int) -> None:
        """`rows`: how many there are, or which, in batches of `size`; one shorter batch where there are fewer."""
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._rows, self._size, self._seed = rows, size, seed
        self.start(0)

    def start(self, epoch: int) -> None:
        self._epoch = epoch
        self._order = self.order(np.random.default_rng((self._seed, epoch)))

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """The rows of one epoch."""
        return rng.permutation(self._rows)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Inputs, targets and, if wanted, weights of these rows, as `keras.Model.fit` takes them."""
        raise NotImplementedError

    def __len__(self) -> int:
        return max(1, len(self._order) // self._size)

    def __getitem__(self, index: int) -> Any:
        rows = self._order[index * self._size : (index + 1) * self._size]
        return self.batch(rows, np.random.default_rng((self._seed, self._epoch, index)))


class TellEpoch(keras.callbacks.Callback):  # type: ignore[misc]
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

    A `train` set with a method `start(epoch)` is told each epoch before it is asked for batches.
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
            *([TellEpoch(train)] if hasattr(train, "start") else []),
        ],
    )
    return best


def batches(rows: int, size: int) -> Iterator[slice]:
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
