"""`edge-emotion config` prints the commented default configuration, or checks a file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "config",
        help="print the commented default configuration, or check a file",
        description="Prints the configuration with every key, its default and what it means. "
        "With --check, says instead whether a file is right: every key, and every model, card and file that `run` "
        "would open; devices and the network are left alone. One line for each fault; exit code 1 where there is one.",
    )
    parser.add_argument("--check", metavar="FILE", type=Path, help="check this file instead")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    """Prints the default configuration or the faults of a file.

    Raises `ConfigError` for a file that cannot be read or is not TOML.
    """
    if arguments.check is None:
        from edge.service import files

        print(files.read(files.CONFIGURATION), end="")
        return 0
    found = _faults(arguments.check)
    for fault in found:
        print(f"{arguments.check}: {fault}", file=sys.stderr)
    if not found:
        print(f"{arguments.check}: ok")
    return 1 if found else 0


def _faults(path: Path) -> tuple[str, ...]:
    from edge import config
    from edge.runtime import preflight

    settings, wrong_keys = config.check(config.read(path), str(path))
    return (*wrong_keys, *preflight.faults(settings))
