"""Recognises a Keras model file by its content; its name may be anything."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO, Final

from edge.errors import ConversionError
from edge.regular_file import open_regular

_ZIP: Final = b"PK\x03\x04"
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_CONFIG: Final = "config.json"


def suffix(path: Path) -> str:
    """The suffix that Keras expects of a file with this content: `.keras` for a Keras 3 archive, `.h5` for HDF5.

    Raises:
        ConversionError: `path` is missing, unreadable, not a regular file, or holds no Keras model.
    """
    try:
        with open_regular(path) as file:
            found = _recognised(file)
    except IsADirectoryError as error:
        raise ConversionError(f"model {path}: {_folder(path)}") from error
    except OSError as error:
        raise ConversionError(f"model {path}: {error.strerror or 'cannot be read'}") from error
    if not found:
        raise ConversionError(f"model {path}: not a Keras model; give a .keras or .h5 file as model.save writes it")
    return found


def _folder(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return (
            "a TensorFlow SavedModel, which is not supported; load it with Keras where it was made and write a "
            ".keras file with model.save"
        )
    return "a folder, not a file"


def _recognised(file: BinaryIO) -> str:
    """The suffix; empty where the content is that of no Keras model."""
    start = file.read(len(_HDF5))
    if start == _HDF5:
        return ".h5"
    if not start.startswith(_ZIP):
        return ""
    try:
        with zipfile.ZipFile(file) as archive:
            return ".keras" if _CONFIG in archive.namelist() else ""
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return ""
