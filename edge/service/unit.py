"""The unit for this installation: the program that it starts, and the folders under /home and /tmp that it may read."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from edge.errors import ServiceError

HIDDEN: Final = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))
"""Folders that `ProtectHome=tmpfs` and `PrivateTmp=yes` hide from the service."""


def program() -> list[str]:
    """The command, with an absolute path, that starts `edge-emotion` in this environment."""
    script = Path(sys.prefix) / "bin" / "edge-emotion"
    return [str(script)] if script.is_file() else [sys.executable, "-I", "-m", "edge.cli"]


def needed() -> tuple[Path, ...]:
    """The folders that this program is loaded from: its environment, the environment's interpreter, the package."""
    return (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2])


def to_be_shown(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of `paths` that the unit hides, without paths inside other ones.

    Raises `ServiceError` if a folder of `HIDDEN` would have to be shown as a whole.
    """
    shown: list[Path] = []
    for path in sorted({path for path in paths if any(path.is_relative_to(folder) for folder in HIDDEN)}):
        if path in HIDDEN:
            raise ServiceError(f"{path} as a whole would have to be shown to the service: install in a folder below it")
        if not any(path.is_relative_to(other) for other in shown):
            shown.append(path)
    return tuple(shown)


def fill_in(template: str, command: list[str], shown: Iterable[Path] = (), user: str | None = None) -> str:
    """Fills in the unit.

    Args:
        template: text of the unit.
        command: program and arguments for ExecStart.
        shown: hidden folders to bind read-only.
        user: user to run as; None keeps the user of the template.

    Returns:
        The text of the unit.

    Raises:
        ServiceError: a part of the command or a folder cannot be quoted.
    """
    lines = []
    for line in template.splitlines():
        if line.startswith("ExecStart="):
            lines.append("ExecStart=" + " ".join(quote(word) for word in command))
            lines.extend(f"BindReadOnlyPaths={quote(str(path))}" for path in shown)
        elif line.startswith("User=") and user:
            lines.append(f"User={user}")
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


def quote(word: str) -> str:
    """Quotes a word for a unit. Raises `ServiceError` for characters that systemd's layers of escapes would change."""
    if not re.fullmatch(r"[\w@%+=,./~ -]+", word, re.UNICODE) or "\n" in word:
        raise ServiceError(f"{word!r} cannot stand in a unit: use a path of letters, digits, spaces and _@%+=,./~-")
    word = word.replace("%", "%%")
    return f'"{word}"' if " " in word else word
