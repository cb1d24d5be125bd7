"""Published weights are accepted only with their pinned hash, and are fetched once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from edge.errors import ModelError
from models.download import cached_arrays, download


def test_only_the_pinned_content_is_accepted(tmp_path: Path) -> None:
    source = tmp_path / "weights"
    source.write_bytes(b"w" * 3_000_000)
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    download(source.as_uri(), digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()
    source.write_bytes(b"w" * 2_999_999 + b"x")
    with pytest.raises(ModelError, match=f"not {digest[:12]}"):
        download(source.as_uri(), digest, tmp_path / "copy")
    source.unlink()
    with pytest.raises(ModelError, match="could not be fetched"):
        download(source.as_uri(), digest, tmp_path / "copy")


def test_arrays_are_made_once_and_keep_names_and_types(tmp_path: Path) -> None:
    arrays: dict[str, np.ndarray] = {
        "a/b/kernel": np.arange(6, dtype=np.float16).reshape(2, 3),
        "bias": np.ones(2, np.float32),
    }
    made = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return arrays

    for _ in range(2):
        found = cached_arrays(tmp_path / "cache" / "weights.npz", make)
        assert set(found) == set(arrays)
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)
    assert made == [1]
