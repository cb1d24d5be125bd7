"""The overlap of two pieces of a stream."""

from __future__ import annotations

import numpy as np
import pytest

from edge.voice.sliding import common

STREAM = np.arange(100, dtype=np.float32)


@pytest.mark.parametrize(
    ("before", "now", "moved", "expected"),
    [
        (STREAM[:50], STREAM[:80], 0, 50),
        (STREAM[:50], STREAM[20:80], 20, 30),
        (STREAM[:50], STREAM[20:40], 20, 20),
        (STREAM[:50], STREAM[20:80], 21, 0),
        (STREAM[:50], STREAM[60:80], 60, 0),
        (STREAM[20:50], STREAM[:50], -20, 0),
        (STREAM[:0], STREAM[:50], 0, 0),
    ],
)
def test_as_much_as_is_equal(before: np.ndarray, now: np.ndarray, moved: int, expected: int) -> None:
    assert common(before, now, moved) == expected
