"""Batches that depend only on a seed, so that a resumed run trains on the same data as an uninterrupted one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Full batches of shuffled rows; a subclass implements `batch`.

    The order and all randomness in a batch depend only on the seed, the epoch and the number of the batch, so that a
    resumed run trains on the same data as an uninterrupted one.
    """

    def __init__(self, rows: int | NDArray[np.int64], size: int, seed: int) -> None:
        """Prepares the first epoch.

        Args:
            rows: Number of rows, or the row indices.
            size: Rows per batch; if there are fewer rows in all, they form one shorter batch.
            seed: Seed of the order and of all randomness in a batch.
        """
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._rows, self._size, self._seed = rows, size, seed
        self.start(0)

    def start(self, epoch: int) -> None:
        """Shuffles the rows for this epoch, counted from 0."""
        self._epoch = epoch
        self._order = self.order(np.random.default_rng((self._seed, epoch)))

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """The row indices of one epoch in training order."""
        return rng.permutation(self._rows)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        """Inputs, targets and optional sample weights of these rows, in the form that `keras.Model.fit` takes."""
        raise NotImplementedError

    def __len__(self) -> int:
        return max(1, len(self._order) // self._size)

    def __getitem__(self, index: int) -> Any:
        rows = self._order[index * self._size : (index + 1) * self._size]
        return self.batch(rows, np.random.default_rng((self._seed, self._epoch, index)))


def batches(rows: int, size: int) -> Iterator[slice]:
    """Slices that divide `rows` rows into batches of `size`; the last one may be shorter."""
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
