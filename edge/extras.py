"""The command that installs an optional package, for whoever has the wheel, an install from it, or a clone.

This package is on no index, so `pip install 'edge-emotion[…]'` works for nobody. The command names the packages that
the extra stands for instead; they are read from the installed metadata, so that no second list can go stale.
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

_PARSERS: Final = ("packaging.requirements", "pip._vendor.packaging.requirements")
_EXTRA: Final = re.compile(r"\s*(?:;|\band)\s*extra\s*==\s*(['\"])(?P<name>[^'\"]+)\1\s*$")


def install_command(extra: str, only: str | None = None) -> str:
    """A shell command that installs what `extra` brings into the Python that is running.

    Args:
        extra: Name of an extra of this distribution; empty for what every install needs.
        only: Name of a single package of these, where the others are known to be there.

    Returns:
        One line. Where the extra has no package for this machine, a sentence that says so.
    """
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return _of_checkout(extra)
    chosen = _requirements(declared, extra, only)
    if not chosen:
        return f"the extra {extra!r} has no package for Python {platform.python_version()} on {platform.machine()}"
    return _pip(*chosen)


def _of_checkout(extra: str) -> str:
    """A checkout that is not installed has no metadata, yet pip can install from its folder."""
    folder = Path(__file__).resolve().parents[1]
    if not (folder / "pyproject.toml").is_file():
        return f"install {DISTRIBUTION} with the extra {extra!r}"
    return _pip("-e", f"{folder}[{extra}]" if extra else str(folder))


def _pip(*words: str) -> str:
    """`python` alone may be another one than this, for instance in a service."""
    return shlex.join([sys.executable or "python3", "-m", "pip", "install", *words])


def _requirements(declared: list[str], extra: str, only: str | None) -> list[str]:
    parse = _parser()
    chosen = []
    for text in declared:
        match = _EXTRA.search(text)
        if _normal(match["name"] if match else "") != _normal(extra):
            continue
        if only is not None and _normal(re.split(r"[^\w.-]", text, maxsplit=1)[0]) != _normal(only):
            continue
        bare = text[: match.start()] if match else text
        if parse is None:
            chosen.append(bare)  # pip evaluates the marker itself
            continue
        requirement = parse(bare)
        if requirement.marker is None or requirement.marker.evaluate():
            requirement.marker = None
            chosen.append(str(requirement))
    return chosen


def _parser() -> Any:
    """The class that parses requirements; None where neither pip nor `packaging` is installed."""
    for name in _PARSERS:
        try:
            return importlib.import_module(name).Requirement
        except ImportError:
            continue
    return None


def _normal(name: str) -> str:
    """Names compare regardless of case and of the kind of separator (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
