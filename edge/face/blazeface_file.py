"""The file of the BlazeFace detector: every wheel has it; in a clone `make setup` fetches it.

It is Google's file, so the repository holds its card only. The card has the hash that the file must have.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge import shipped

MISSING: Final = "the BlazeFace file is missing: run `make setup` in a clone, or install the wheel again"


def path() -> Path:
    """Where the file belongs, whether or not it is there."""
    return shipped.model("face", "blazeface_short")


def find() -> Path | None:
    """The file, for `open_model`; None where the file or its card is missing or cannot be read."""
    model = path()
    return model if all(_readable(file) for file in (model, model.with_suffix(".json"))) else None


def _readable(file: Path) -> bool:
    try:
        return file.is_file() and os.access(file, os.R_OK)
    except PermissionError:
        return False
