"""Locates the models shipped with this package: in `weights/` of an installed wheel, in `models/` of a clone."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent


def folder() -> Path:
    """The folder that contains one subfolder of models per room."""
    installed = _PACKAGE / "weights"
    return installed if installed.is_dir() else _PACKAGE.parent / "models"


def model(room: str, stem: str) -> Path:
    """The path of a shipped model. `room`: its subfolder, such as `face`; `stem`: its file name without the suffix.

    The model card is in the same folder.
    """
    return folder() / room / f"{stem}.tflite"


def fusion() -> Path:
    """The path of the shipped numbers of the fusion (`edge.fusion.parameters`)."""
    return folder() / "fusion" / "fusion.json"
