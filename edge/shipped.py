"""Where the models that come with this package are: in `weights/` of an installed wheel, in `models/` of a clone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def folder() -> Path:
    """The folder that holds one folder of models per room."""
    installed = _PACKAGE / "weights"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def model(room: str, stem: str) -> Path:
    """The path of the shipped model `stem` of one room, such as `face`; its card lies beside it."""
    return folder() / room / f"{stem}.tflite"
