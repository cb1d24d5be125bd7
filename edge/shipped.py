"""Where the files that ship with the package lie."""

from __future__ import annotations

from importlib import resources
from pathlib import Path


def model(room: str, stem: str) -> Path:
    """The path of `models/<room>/<stem>.tflite`."""
    return Path(str(resources.files("models"))) / room / f"{stem}.tflite"
