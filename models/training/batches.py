"""Batches that follow from a seed, so that a resumed run sees what an unbroken one would."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray


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


def batches(rows: int, size: int) -> Iterator[slice]:
    for start in range(0, rows, size):
        yield slice(start, min(start + size, rows))
