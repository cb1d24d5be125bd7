"""The files of the repository's `systemd/` folder: unit, user, sample configuration."""

from __future__ import annotations

from pathlib import Path

from edge.errors import ServiceError

_HERE = Path(__file__).parent
_FOLDERS = (_HERE / "data", _HERE.parents[1] / "systemd")
"""In a checkout the folder itself; in an installed wheel it lies here, under another name, for a `systemd` beside the
other packages would stand before python-systemd, which is `import systemd` too."""

UNIT = "edge-emotion.service"
SYSUSERS = "edge-emotion.sysusers"
CONFIGURATION = "edge-emotion.toml"


def read(name: str) -> str:
    """The text of one file. Raises `ServiceError` where the installation is incomplete."""
    for folder in _FOLDERS:
        try:
            return (folder / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
    raise ServiceError(f"{name} is not in this installation: reinstall the package")
