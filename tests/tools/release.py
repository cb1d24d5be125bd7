"""Sets the version of a release and dates its heading in the changelog: `make release VERSION=1.2.3`."""

from __future__ import annotations

import argparse
import datetime
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
VERSION_LINE: Final = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
UNRELEASED: Final = re.compile(r"^## \[Unreleased\]\s*\n(?P<entries>.*?)(?=^## \[|^\[|\Z)", re.MULTILINE | re.DOTALL)


class ReleaseError(Exception):
    """The release cannot be made; the message says why in one line."""


def dated(changelog: str, version: str, day: datetime.date) -> str:
    """The changelog with the unreleased entries under a heading of their own, and an empty `Unreleased` above it.

    Args:
        changelog: Text in the form of Keep a Changelog.
        version: Of the release, such as `1.2.3`.
        day: Of the release.

    Returns:
        The new text.

    Raises:
        ReleaseError: If there is nothing unreleased, or the version has a heading already.
    """
    if f"## [{version}]" in changelog:
        raise ReleaseError(f"CHANGELOG.md has a heading for {version} already")
    found = UNRELEASED.search(changelog)
    if found is None or not found["entries"].strip():
        raise ReleaseError("CHANGELOG.md has no entries under `## [Unreleased]`")
    heading = f"## [Unreleased]\n\n## [{version}] - {day.isoformat()}\n\n"
    return changelog[: found.start()] + heading + found["entries"].lstrip("\n") + changelog[found.end() :]


def release(root: Path, version: str, day: datetime.date) -> None:
    """Writes the version into the package and the changelog, or neither. Raises `ReleaseError`."""
    if not re.fullmatch(r"\d+\.\d+\.\d+((a|b|rc)\d+)?", version):
        raise ReleaseError(f"{version!r} is not a version such as 1.2.3 or 1.2.3rc1")
    package, changelog = root / "edge" / "__init__.py", root / "CHANGELOG.md"
    text = package.read_text("utf-8")
    if not VERSION_LINE.search(text):
        raise ReleaseError(f"{package} has no line `__version__ = …`")
    if not changelog.is_file():
        raise ReleaseError("there is no CHANGELOG.md")
    changelog.write_text(dated(changelog.read_text("utf-8"), version, day), "utf-8")
    package.write_text(VERSION_LINE.sub(f'__version__ = "{version}"', text), "utf-8")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", help="such as 1.2.3")
    arguments = parser.parse_args(argv)
    try:
        release(ROOT, arguments.version, datetime.datetime.now(datetime.UTC).date())
    except ReleaseError as error:
        print(f"make release: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
