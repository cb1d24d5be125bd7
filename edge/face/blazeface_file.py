"""Where BlazeFace's file lies: it is fetched at set-up, not shipped (see `models.face.fetch`)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import models.face
from edge.inference.card import card_path

NAME: Final = "blazeface_short.tflite"

SYSTEM: Final = Path("/var/lib/edge-emotion")
"""The service's state directory; root writes here where the package itself is read-only."""


def shipped_card() -> Path:
    """The card in the package, which vouches for the file."""
    return card_path(Path(models.face.__file__).parent / NAME)


def folders(environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """Where the file may lie, the first preferred: the package, the service's state, the user's data, the system's.

    systemd sets `STATE_DIRECTORY`; the user's data are where the XDG base directory specification says.
    """
    user = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME") or "/nonexistent") / ".local/share")
    state = [Path(folder) for folder in environ.get("STATE_DIRECTORY", "").split(":") if folder]
    return (shipped_card().parent, *state, Path(user) / "edge-emotion", SYSTEM)


def find(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The first BlazeFace file that has its card beside it, for `open_model`; None where none was fetched."""
    for folder in folders(environ):
        model = folder / NAME
        if _readable(model) and _readable(card_path(model)):
            return model
    return None


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and os.access(path, os.R_OK)
    except PermissionError:
        return False
