"""Calibration sets: which rows are used, in which order, and which errors are reported."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from converters.calibration import LEAST_ROWS, Input, arrange, load, random_rows, require_enough, require_range, stack
from edge.errors import ConversionError
from edge.inference.card import Card, Dtype, Tensor

PICTURE = Input("picture", (1, 4, 4, 1), "float32")
IDS = Input("ids", (1, 5), "int32")

pictures = np.arange(3 * 16, dtype=np.float64).reshape(3, 4, 4, 1)
tokens = np.arange(15).reshape(3, 5)


def test_rows_come_in_the_order_of_the_inputs_and_with_a_batch_of_one() -> None:
    for arrays in ({"ids": tokens, "picture": pictures}, {"arr_0": pictures, "arr_1": tokens[:, None]}):
        rows = arrange(arrays, [PICTURE, IDS])
        assert len(rows) == 3
        picture, ids = rows[2]
        assert (picture.shape, picture.dtype) == ((1, 4, 4, 1), np.dtype(np.float32))
        assert (ids.shape, ids.dtype) == ((1, 5), np.dtype(np.int32))
        np.testing.assert_array_equal(picture[0], pictures[2])
        np.testing.assert_array_equal(ids[0], tokens[2])


def test_a_file_gives_back_what_was_saved(tmp_path: Path) -> None:
    np.savez(tmp_path / "set.npz", pictures, tokens)
    arrays = load(tmp_path / "set.npz")
    assert sorted(arrays) == ["arr_0", "arr_1"]
    np.testing.assert_array_equal(arrays["arr_1"], tokens)


def test_rows_stack_to_the_same_arrays() -> None:
    arrays = stack([(pictures[index], tokens[index]) for index in range(3)])
    np.testing.assert_array_equal(arrays["arr_0"], pictures)
    with pytest.raises(ConversionError, match="differ in shape"):
        stack([(tokens[0],), (tokens[0, :3],)])
    with pytest.raises(ConversionError, match="different numbers of arrays"):
        stack([(tokens[0],), (tokens[0], tokens[0])])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"picture": pictures}, "has arrays picture; the model's inputs are picture, ids"),
        ({"picture": pictures, "words": tokens}, "has arrays picture, words"),
        (
            {"picture": pictures[:, :3], "ids": tokens},
            r"'picture': rows of shape \(3, 4, 1\), the model takes \(4, 4, 1\)",
        ),
        ({"picture": pictures.astype(np.uint8), "ids": tokens}, "'picture': uint8, the model takes float32"),
        ({"picture": pictures, "ids": tokens.astype(np.float32)}, "'ids': float32, the model takes int32"),
        ({"picture": np.full_like(pictures, np.nan), "ids": tokens}, "'picture': a value that is not finite"),
        ({"picture": np.full_like(pictures, 1e300), "ids": tokens}, "'picture': a value that is not finite"),
    ],
)
def test_rows_that_do_not_fit_the_model_are_reported(arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ConversionError, match=message):
        arrange(arrays, [PICTURE, IDS])


def test_bad_files(tmp_path: Path) -> None:
    def refused(name: str, message: str) -> None:
        with pytest.raises(ConversionError, match=f"{name}: {message}"):
            load(tmp_path / name)

    refused("absent.npz", "No such file")
    (tmp_path / "empty.npz").write_bytes(b"")
    refused("empty.npz", "not a .npz")
    (tmp_path / "text.npz").write_text("not an archive")
    refused("text.npz", "not a .npz")
    np.savez(tmp_path / "whole.npz", pictures)
    (tmp_path / "cut.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:-60])
    refused("cut.npz", "not a .npz")
    np.savez(tmp_path / "objects.npz", np.array([{}], object))
    refused("objects.npz", "not a .npz of plain arrays")
    np.save(tmp_path / "single.npy", pictures)
    refused("single.npy", "a single array")
    np.savez(tmp_path / "none.npz", np.zeros((0, 5)))
    refused("none.npz", "no rows")
    np.savez(tmp_path / "uneven.npz", a=pictures, b=tokens[:2])
    refused("uneven.npz", "arrays of different length: a 3, b 2")
    refused("", "Is a directory")


def test_random_rows_keep_to_the_vocabulary_and_repeat() -> None:
    rows = random_rows([PICTURE, IDS], 20, tokens=9)
    assert {int(value) for _, ids in rows for value in ids.ravel()} <= set(range(9))
    again = random_rows([PICTURE, IDS], 20, tokens=9)
    assert all(
        np.array_equal(a, b) for row, other in zip(rows, again, strict=True) for a, b in zip(row, other, strict=True)
    )


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(4).random((count, 4, 4, 1), np.float32)


def with_value(value: float) -> np.ndarray:
    array = noise(LEAST_ROWS)
    array[7, 3, 3, 0] = value
    return array


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.zeros((1, 4, 4, 1))}, "too little to measure on: 1 rows, of which 1 have one value everywhere and 0"),
        ({"x": noise(LEAST_ROWS - 1)}, "too little .*: 29 rows, .* 0 have one value everywhere and 29 .* at least 30"),
        ({"x": np.zeros((LEAST_ROWS, 4, 4, 1))}, "array 'x' is the same in all 30 rows"),
        ({"x": np.zeros((500, 4, 4, 1))}, "array 'x' is the same in all 500 rows"),
        ({"x": np.repeat(noise(1), 200, axis=0)}, "array 'x' is the same in all 200 rows"),
        ({"x": np.repeat(noise(29), 7, axis=0)}, "203 rows, of which 0 .* and 29 of the others differ"),
        ({"x": np.arange(100.0)[:, None] * np.ones((1, 5))}, "100 rows, of which 100 have one value everywhere"),
        ({"x": np.concatenate([np.ones((9, 4, 4, 1)), noise(29)])}, "38 rows, of which 9 .* and 29 of the others"),
        ({"x": noise(40), "beside": np.ones((40, 3))}, "array 'beside' is the same in all 40 rows"),
        ({"x": with_value(np.nan)}, "array 'x' has a value that is not finite"),
        ({"x": with_value(-np.inf)}, "array 'x' has a value that is not finite"),
    ],
)
def test_rows_that_nothing_can_be_measured_on(arrays: dict[str, np.ndarray], message: str) -> None:
    with pytest.raises(ConversionError, match=f"^calibration c.npz: .*{message}") as caught:
        require_enough(arrays, "calibration c.npz")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": noise(LEAST_ROWS)},
        {"x": np.concatenate([np.zeros((50, 4, 4, 1)), noise(LEAST_ROWS)])},
        {"number": np.arange(float(LEAST_ROWS))[:, None]},
        # These rows differ only in the second input; the first is uniform in each.
        {"flag": (np.arange(LEAST_ROWS) % 2)[:, None] * np.ones((1, 2)), "x": noise(LEAST_ROWS)},
    ],
)
def test_rows_that_are_enough(arrays: dict[str, np.ndarray]) -> None:
    require_enough(arrays, "calibration")


def card(front_end: dict[str, object], scale: float = 0.0, zero_point: int = 0) -> Card:
    form: Dtype = "int8" if scale else "float32"
    tensor = Tensor(name="face", shape=(1, 10), dtype=form, scale=scale, zero_point=zero_point)
    return Card(
        name="like", task="", version="1", file="x.tflite", sha256="0" * 64, bytes=1, labels=(), inputs=(tensor,),
        outputs=(), output_kind="other", front_end=front_end,
    )  # fmt: skip


STATED = card({"range": [0.0, 1.0]})
HELD = card({}, 1 / 255, -128)  # 0…1
SIGNED = card({}, 0.5, 100)  # −114…13.5


@pytest.mark.parametrize(
    ("like", "low", "high", "fits"),
    [
        (STATED, 0, 1, True),
        (STATED, 0, 255, False),
        (STATED, -1, 1, False),
        (HELD, 0, 1, True),
        (HELD, 0, 255, False),
        (SIGNED, -114, 13.5, True),
        (SIGNED, -114, 27, False),
        (SIGNED, -228, 13.5, False),
        (card({}), -1e9, 1e9, True),
    ],
)
def test_values_that_a_card_does_not_know(like: Card, low: float, high: float, fits: bool) -> None:
    for name in ("face", "arr_0"):
        arrays = {name: np.linspace(low, high, 1000).reshape(100, 10)}
        if fits:
            require_range(arrays, like, "calibration")
        else:
            with pytest.raises(ConversionError, match=r"calibration: \d+% of the values for input 'face' lie outside"):
                require_range(arrays, like, "calibration")


def test_a_few_outliers_are_cut_off_and_not_refused() -> None:
    values = np.linspace(0, 1, 1000)
    values[:10] = 7
    require_range({"face": values.reshape(100, 10)}, STATED, "calibration")
    values[10] = 7
    with pytest.raises(ConversionError, match=r"1% of the values"):
        require_range({"face": values.reshape(100, 10)}, STATED, "calibration")


def test_a_fifo_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.npz")
    with pytest.raises(ConversionError, match=r"fifo\.npz: not a regular file"):
        load(tmp_path / "fifo.npz")
