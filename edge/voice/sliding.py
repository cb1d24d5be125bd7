"""What of a sound that slides along a stream was heard before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def common(before: NDArray[np.float32], now: NDArray[np.float32], moved: int) -> int:
    """Samples that `now` begins with and that stood `moved` samples into `before`; 0 unless all of them are equal."""
    both = min(len(before) - moved, len(now))
    if moved < 0 or both <= 0 or not np.array_equal(before[moved : moved + both], now[:both]):
        return 0
    return both
