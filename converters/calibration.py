"""Calibration sets: real inputs that show the converter the range of every activation."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConversionError

Row: TypeAlias = "tuple[NDArray[Any], ...]"
"""One array per input, in the model's order, each of the input's shape with a batch of one or without."""


@dataclass(frozen=True, slots=True)
class Input:
    """One input as the model declares it."""

    name: str
    shape: tuple[int, ...]
    """With the batch of one in front."""
    dtype: str


def load(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz`: one per input, all with the same number of rows. Raises `ConversionError`."""
    try:
        archive = np.load(path, allow_pickle=False)
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ConversionError(f"calibration {path}: a single array; write it with np.savez, one array per input")
        with archive:
            arrays = {name: archive[name] for name in archive.files}
    except OSError as error:
        raise ConversionError(f"calibration {path}: {error.strerror or 'damaged or cut short'}") from error
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError) as error:
        raise ConversionError(f"calibration {path}: not a .npz of plain arrays (np.savez makes one)") from error
    lengths = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if not arrays or 0 in lengths.values():
        raise ConversionError(f"calibration {path}: no rows; give some 100-500 real inputs")
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {count}" for name, count in lengths.items())
        raise ConversionError(f"calibration {path}: arrays of different length: {counts}")
    return arrays


def stack(rows: Sequence[Row]) -> dict[str, NDArray[Any]]:
    """Rows as the arrays that `load` gives, named `arr_0` …. Raises `ConversionError` where rows differ."""
    if len({len(row) for row in rows}) != 1:
        raise ConversionError("calibration rows have different numbers of arrays")
    try:
        return {f"arr_{index}": np.stack(column) for index, column in enumerate(zip(*rows, strict=True))}
    except ValueError as error:
        raise ConversionError(f"calibration rows differ in shape: {error}") from error


def arrange(arrays: Mapping[str, NDArray[Any]], inputs: Sequence[Input]) -> list[Row]:
    """Rows with a batch of one, in the order of `inputs`.

    Arrays go by the inputs' names or, where they are named `arr_0` …, by their order. Raises `ConversionError`
    on a wrong name, shape or kind of number, or a value that is not finite.
    """
    names = [given.name for given in inputs]
    numbered = [f"arr_{index}" for index in range(len(inputs))]
    if set(arrays) == set(numbered):
        names = numbered
    elif set(arrays) != set(names):
        raise ConversionError(
            f"the calibration has arrays {', '.join(sorted(arrays))}; the model's inputs are {', '.join(names)} "
            "(or, in that order, arr_0 …)"
        )
    return list(zip(*(_fit(arrays[name], given) for name, given in zip(names, inputs, strict=True)), strict=True))


def _fit(array: NDArray[Any], given: Input) -> NDArray[Any]:
    """`array` (n, …) as (n, 1, …) of the input's type."""
    if array.shape[1:] not in (given.shape, given.shape[1:]):
        raise ConversionError(
            f"calibration for input {given.name!r}: rows of shape {array.shape[1:]}, the model takes {given.shape[1:]}"
        )
    wanted = np.dtype(given.dtype)
    if array.dtype.kind not in ("f" if wanted.kind == "f" else "iu"):
        raise ConversionError(
            f"calibration for input {given.name!r}: {array.dtype.name}, the model takes {wanted.name} "
            "(give what the front end puts out)"
        )
    if wanted.kind == "f" and not np.isfinite(array).all():
        raise ConversionError(f"calibration for input {given.name!r}: a value that is not finite")
    return array.reshape(len(array), *given.shape).astype(wanted)


def random_rows(inputs: Sequence[Input], count: int, tokens: int, seed: int = 0) -> list[Row]:
    """Rows where no real ones are at hand: standard normal, or ids below `tokens`. Say nothing about real data."""
    generator = np.random.default_rng(seed)

    def one(given: Input) -> NDArray[Any]:
        if np.dtype(given.dtype).kind == "f":
            return generator.standard_normal(given.shape).astype(given.dtype)
        return generator.integers(0, tokens, given.shape).astype(given.dtype)

    return [tuple(one(given) for given in inputs) for _ in range(count)]
