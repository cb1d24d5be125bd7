"""The files of the repository's `systemd/` folder: unit, system user and default configuration."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ServiceError

_HERE = Path(__file__).parent
"""Folder of this module."""

_FOLDERS = (_HERE / "data", _HERE.parents[1] / "systemd")
"""Folders that may hold the files: `data` beside this module in an installed wheel, and `systemd` in a checkout. The
wheel uses another name, since a `systemd` beside other packages would hide python-systemd (`import systemd`)."""

UNIT = "edge-emotion.service"
"""File name of the unit."""

SYSUSERS = "edge-emotion.sysusers"
"""File name of the sysusers.d(5) file that declares the system user."""

CONFIGURATION = "edge-emotion.toml"
"""File name of the commented default configuration."""


def read(name: str) -> str:
    """The text of one file. Raises `ServiceError` if the installation is incomplete."""
    for folder in _FOLDERS:
        try:
            return (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    raise ServiceError(f"{name} is not in this installation: reinstall the package")
