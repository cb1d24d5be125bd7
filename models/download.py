"""Downloads of published weights, checked against a pinned hash and cached as arrays."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError


def download(url: str, sha256: str, target: Path) -> None:
    """Downloads `url` to `target` and checks its SHA-256. Raises `ModelError`."""
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=60) as answer, target.open("wb") as file:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
    except OSError as error:
        raise ModelError(f"{url} could not be fetched: {error}") from error
    if digest.hexdigest() != sha256:
        raise ModelError(f"{url} has sha256 {digest.hexdigest()[:12]}…, not {sha256[:12]}…")


def cached_arrays(cached: Path, make: Callable[[], Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """The arrays in the file `cached`; it is made of what `make` returns if it does not exist."""
    if not cached.exists():
        weights = make()
        cached.parent.mkdir(parents=True, exist_ok=True)
        part_file = cached.with_suffix(".part.npz")
        np.savez(part_file, **{name.replace("/", "|"): value for name, value in weights.items()})  # type: ignore[arg-type]
        part_file.replace(cached)
    with np.load(cached, allow_pickle=False) as file:
        return {name.replace("|", "/"): file[name] for name in file.files}
