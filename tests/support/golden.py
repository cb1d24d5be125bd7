"""Golden vectors: outputs of the front ends when they were last known to be right, stored as small files.

`EDGE_EMOTION_WRITE_GOLDEN=1 python -m pytest …` writes them again; check the difference before you commit it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

FOLDER = Path(__file__).parents[1] / "golden"


def assert_golden(name: str, found: ArrayLike, *, atol: float = 1e-4, rtol: float = 1e-4) -> None:
    """`found` equals the array kept under `name`, in shape and within the tolerances."""
    path = FOLDER / f"{name}.npy"
    array = np.asarray(found)
    if os.environ.get("EDGE_EMOTION_WRITE_GOLDEN"):
        FOLDER.mkdir(exist_ok=True)
        np.save(path, array.astype(np.float32), allow_pickle=False)
    expected = np.load(path, allow_pickle=False)
    assert array.shape == expected.shape
    np.testing.assert_allclose(array, expected, atol=atol, rtol=rtol)
