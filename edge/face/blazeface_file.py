"""The model file of the BlazeFace detector: every wheel contains it; in a clone `make setup` fetches it.

The file is by Google, so the repository contains only its card, which states the hash that the file must have.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from edge import shipped

MISSING: Final = "the BlazeFace file is missing: run `make setup` in a clone, or install the wheel again"
"""Error message for a missing model file."""


def path() -> Path:
    """Returns the path of the model file, whether or not it exists."""
    return shipped.model("face", "blazeface_short")


def find() -> Path | None:
    """Returns the model file for `open_model`; None if the file or its card is missing or not readable."""
    model = path()
    return model if all(_readable(file) for file in (model, model.with_suffix(".json"))) else None


def _readable(file: Path) -> bool:
    try:
        return file.is_file() and os.access(file, os.R_OK)
    except PermissionError:
        return False
