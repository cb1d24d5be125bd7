"""`edge-emotion config`: the commented default configuration, or a check of a file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "config",
        help="print the commented default configuration, or check a file",
        description="Prints the configuration with every key, its default and what it means. "
        "With --check, says instead whether a file is right; exit code 1 where it is not.",
    )
    parser.add_argument("--check", metavar="FILE", type=Path, help="check this file instead")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    if arguments.check is None:
        from edge.service import files

        print(files.read(files.CONFIGURATION), end="")
        return 0
    from edge import config

    config.load(arguments.check)
    print(f"{arguments.check}: ok")
    return 0
