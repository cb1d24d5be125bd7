"""The unit for this installation: which program it starts, and which folders under /home and /tmp it may see."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from edge.errors import ServiceError

HIDDEN: Final = (Path("/home"), Path("/root"), Path("/run/user"), Path("/tmp"), Path("/var/tmp"))
"""What `ProtectHome=tmpfs` and `PrivateTmp=yes` hide."""


def program() -> list[str]:
    """What starts `edge-emotion` in this environment, by absolute path."""
    script = Path(sys.prefix) / "bin" / "edge-emotion"
    return [str(script)] if script.is_file() else [sys.executable, "-I", "-m", "edge.cli"]


def needed() -> tuple[Path, ...]:
    """The folders this program is read from: its environment, that one's interpreter, and the package."""
    return (Path(sys.prefix), Path(sys.base_prefix), Path(__file__).resolve().parents[2])


def to_be_shown(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Those of `paths` that the unit hides, without those inside another. Raises `ServiceError`."""
    shown: list[Path] = []
    for path in sorted({path for path in paths if any(path.is_relative_to(folder) for folder in HIDDEN)}):
        if path in HIDDEN:
            raise ServiceError(f"{path} as a whole would have to be shown to the service: install in a folder below it")
        if not any(path.is_relative_to(other) for other in shown):
            shown.append(path)
    return tuple(shown)


def fill_in(template: str, command: list[str], shown: Iterable[Path] = (), user: str | None = None) -> str:
    """The unit's text with `command` as ExecStart, `shown` bound in read-only, and another user where one is given."""
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
    """`word` as systemd reads it back. Raises `ServiceError` where its several layers of escapes would not keep it."""
    if not re.fullmatch(r"[\w@%+=,./~ -]+", word, re.UNICODE) or "\n" in word:
        raise ServiceError(f"{word!r} cannot stand in a unit: use a path of letters, digits, spaces and _@%+=,./~-")
    word = word.replace("%", "%%")
    return f'"{word}"' if " " in word else word
