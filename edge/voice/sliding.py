"""Finds the part of a sliding excerpt of a stream that the previous excerpt contained, too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def common(before: NDArray[np.float32], now: NDArray[np.float32], moved: int) -> int:
    """Counts the samples that two excerpts of a stream have in common.

    Args:
        before: (n,) the earlier excerpt.
        now: (m,) the later excerpt.
        moved: Number of samples from the start of `before` to the start of `now`.

    Returns:
        Number of samples at the start of `now` that overlap `before`; 0 unless all of them are equal.
    """
    both = min(len(before) - moved, len(now))
    if moved < 0 or both <= 0 or not np.array_equal(before[moved : moved + both], now[:both]):
        return 0
    return both
