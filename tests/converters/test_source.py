"""A Keras model is recognised by its content and not by its name; everything else is refused at once."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from converters.source import suffix
from edge.errors import ConversionError

HDF5 = b"\x89HDF\r\n\x1a\n" + b"\0" * 100


def archive(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "{}")
    return path


@pytest.mark.parametrize("name", ["model.hdf5", "model.h5", "model.keras", "model", "model.tflite"])
def test_the_name_does_not_matter(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(HDF5)
    assert suffix(path) == ".h5"
    path.unlink()
    archive(path, "metadata.json", "config.json")
    assert suffix(path) == ".keras"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89HDF", b"\x89HDF\r\n\x1a\r", b"PK\x03\x04" + b"x" * 500])
def test_other_content_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(ConversionError, match=r"model\.keras: not a Keras model"):
        suffix(tmp_path / "model.keras")


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="not a Keras model"):
        suffix(archive(tmp_path / "other.keras", "readme.txt", "sub/config.json"))


def test_a_saved_model_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ConversionError, match=r"TensorFlow SavedModel.*write a \.keras file"):
        suffix(tmp_path)


def test_a_path_that_is_not_a_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    for path, message in (
        (tmp_path / "fifo", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path / "folder", "a folder, not a file"),
        (tmp_path / "dangling", "a link to .*gone, which does not exist"),
        (tmp_path / "absent", "No such file"),
        (Path("null\0character"), "not a valid path"),
    ):
        with pytest.raises(ConversionError, match=message):
            suffix(path)
