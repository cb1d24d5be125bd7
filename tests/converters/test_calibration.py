"""Calibration sets: what is taken, in which order, and what is refused with which words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from converters.calibration import Input, arrange, load, random_rows, stack
from edge.errors import ConversionError

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
    ],
)
def test_what_does_not_fit_the_model_is_named(arrays: dict[str, np.ndarray], message: str) -> None:
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
