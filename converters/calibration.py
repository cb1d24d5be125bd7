"""Calibration sets: real inputs that show the converter the range of every activation.

The same rows are what the converted model is compared on. So a set that is too small, or whose rows are alike, gives
both a bad file and a measurement that looks perfect; such a set is refused.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import ConversionError
from edge.inference.card import Card, Tensor
from edge.regular_file import open_regular

LEAST_ROWS: Final = 30
"""The least number of different rows that int8 is calibrated and measured on.

If all of n rows are decided as before, the share of other decisions is below 3/n with 95 % confidence (Hanley &
Lippman-Hand, If Nothing Goes Wrong, Is Everything All Right?, JAMA 1983): 10 % for 30 rows. And a new input leaves the
range that n rows showed of an activation with a probability of at most 2/(n + 1): 6 %."""

OUTSIDE: Final = 0.01
"""Share of calibration values that may lie outside the range that a card states for its input: outliers are cut off."""

Row: TypeAlias = "tuple[NDArray[Any], ...]"
"""One input of a model: an array per input tensor, in the model's order, with or without the batch of one."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input tensor as the model declares it."""

    name: str
    shape: tuple[int, ...]
    """Includes the leading batch of one."""
    dtype: str


def load(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a `.npz`: one per input, all with the same number of rows. Raises `ConversionError`."""
    try:
        with open_regular(path) as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ConversionError(
                    f"calibration {path}: a single array; write it with np.savez, one array per input"
                )
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


def require_enough(arrays: Mapping[str, NDArray[Any]], label: str) -> None:
    """Refuses a set that nothing can be measured on.

    Args:
        arrays: One array per input, (n, …), as `load` and `stack` give them.
        label: Start of the error message.

    Raises:
        ConversionError: A value is not finite, fewer than `LEAST_ROWS` rows differ from each other, or an input
            has the same value everywhere in too many rows or is the same in all rows.
    """
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ConversionError(f"{label}: array {name!r} has a value that is not finite")
    count = len(next(iter(arrays.values())))
    flat = [np.ascontiguousarray(array.reshape(count, -1)) for array in arrays.values()]
    for name, array in zip(arrays, flat, strict=True):
        if count >= LEAST_ROWS and (array == array[0]).all():
            raise ConversionError(f"{label}: array {name!r} is the same in all {count} rows; give real inputs")
    uniform = [_uniform([array[row] for array in flat]) for row in range(count)]
    different = {b"".join(array[row].tobytes() for array in flat) for row in range(count) if not uniform[row]}
    if len(different) < LEAST_ROWS:
        raise ConversionError(
            f"{label}: too little to measure on: {count} rows, of which {sum(uniform)} have one value everywhere and "
            f"{len(different)} of the others differ; give at least {LEAST_ROWS} different real inputs, better 100-500"
        )


def _uniform(row: Sequence[NDArray[Any]]) -> bool:
    """Whether no input of the row has two different values; single numbers cannot tell."""
    return all((values == values[0]).all() for values in row) and any(values.size > 1 for values in row)


def require_range(arrays: Mapping[str, NDArray[Any]], card: Card, label: str) -> None:
    """Refuses a set whose values are not those that a card's front end gives, such as 0…255 for 0…1.

    The range is that of the front end's parameter `range`, or else what the card's quantised input can hold. An input
    for which the card states neither is not checked.

    Args:
        arrays: One array per input, by name, or as `arr_0`, … in the order of the card's inputs.
        card: Of a model with the same front end.
        label: Start of the error message.

    Raises:
        ConversionError: More than the share `OUTSIDE` of an input's values lies outside the range.
    """
    for index, tensor in enumerate(card.inputs):
        array = arrays.get(tensor.name, arrays.get(f"arr_{index}"))
        limits = _stated_range(card, tensor)
        if array is None or limits is None:
            continue
        low, high = limits
        slack = 1e-3 * (high - low)
        outside = float(np.mean((array < low - slack) | (array > high + slack)))
        if outside > OUTSIDE:
            raise ConversionError(
                f"{label}: {outside:.0%} of the values for input {tensor.name!r} lie outside {low:.4g}…{high:.4g}, "
                f"which the card {card.name!r} states; give what the front end puts out"
            )


def _stated_range(card: Card, tensor: Tensor) -> tuple[float, float] | None:
    stated = card.front_end.get("range")
    if (
        len(card.inputs) == 1
        and isinstance(stated, list)
        and len(stated) == 2
        and all(isinstance(value, (int, float)) for value in stated)
    ):
        return float(stated[0]), float(stated[1])
    if not tensor.scale:
        return None
    limits = np.iinfo(tensor.dtype)
    return (limits.min - tensor.zero_point) * tensor.scale, (limits.max - tensor.zero_point) * tensor.scale


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
    with np.errstate(over="ignore"):
        values = array.reshape(len(array), *given.shape).astype(wanted)
    # After the cast: 1e300 is finite as float64 and infinite as float32.
    if wanted.kind == "f" and not np.isfinite(values).all():
        raise ConversionError(f"calibration for input {given.name!r}: a value that is not finite")
    return values


def random_rows(inputs: Sequence[Input], count: int, tokens: int, seed: int = 0) -> list[Row]:
    """Made-up rows: standard normal floats, integers below `tokens`. Results on them do not carry over to real data."""
    generator = np.random.default_rng(seed)

    def one(given: Input) -> NDArray[Any]:
        if np.dtype(given.dtype).kind == "f":
            return generator.standard_normal(given.shape).astype(given.dtype)
        return generator.integers(0, tokens, given.shape).astype(given.dtype)

    return [tuple(one(given) for given in inputs) for _ in range(count)]
