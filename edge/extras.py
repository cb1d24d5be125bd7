"""Builds the command that installs an optional package, for an installed wheel and for a clone.

This package is not on a package index, so `pip install 'edge-emotion[…]'` cannot work. The command lists the packages
of the extra instead; they are read from the installed metadata, which avoids a second list that could become outdated.
"""

from __future__ import annotations

import importlib
import platform
import re
import shlex
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Final

DISTRIBUTION: Final = "edge-emotion"
"""Name of this package's distribution."""

_PARSERS: Final = ("packaging.requirements", "pip._vendor.packaging.requirements")
"""Modules that may provide a parser of requirements, in order of preference."""
_EXTRA: Final = re.compile(r"\s*(?:;|\band)\s*extra\s*==\s*(['\"])(?P<name>[^'\"]+)\1\s*$")
"""Matches the part of a requirement's marker that names its extra."""


def install_command(extra: str, only: str | None = None) -> str:
    """Builds a shell command that installs the packages of an extra into the running Python.

    Args:
        extra: Name of an extra of this distribution; empty for the required packages.
        only: Name of the only package of the extra to install; None for all of them.

    Returns:
        One line. If the extra has no package for this machine, a sentence with this reason.
    """
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return _command_for_checkout(extra)
    selected = _requirements(declared, extra, only)
    if not selected:
        return f"the extra {extra!r} has no package for Python {platform.python_version()} on {platform.machine()}"
    return _pip(*selected)


def _command_for_checkout(extra: str) -> str:
    """The command for a checkout that is not installed: it has no metadata, but pip can install from its folder."""
    folder = Path(__file__).resolve().parents[1]
    if not (folder / "pyproject.toml").is_file():
        return f"install {DISTRIBUTION} with the extra {extra!r}"
    return _pip("-e", f"{folder}[{extra}]" if extra else str(folder))


def _pip(*words: str) -> str:
    """A pip command for the running Python; `python` alone may be a different one, for instance in a service."""
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", *words])


def _requirements(declared: list[str], extra: str, only: str | None) -> list[str]:
    parse = _parser()
    selected = []
    for text in declared:
        match = _EXTRA.search(text)
        if _normalised(match["name"] if match else "") != _normalised(extra):
            continue
        if only is not None and _normalised(re.split(r"[^\w.-]", text, maxsplit=1)[0]) != _normalised(only):
            continue
        bare = text[: match.start()] if match else text
        if parse is None:
            selected.append(bare)  # pip evaluates the marker itself
            continue
        requirement = parse(bare)
        if requirement.marker is None or requirement.marker.evaluate():
            requirement.marker = None
            selected.append(str(requirement))
    return selected


def _parser() -> Any:
    """The class that parses requirements; None if neither pip nor `packaging` is installed."""
    for name in _PARSERS:
        try:
            return importlib.import_module(name).Requirement
        except ImportError:
            continue
    return None


def _normalised(name: str) -> str:
    """The normalised form of a name, which ignores case and the kind of separator (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
