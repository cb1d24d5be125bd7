"""Location of the corpora: the option `--data DIR`, or the environment variable `EMOTION_DATA`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from models.pipes import end_quietly_with_the_reader


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--data` to a program that trains or measures, and makes it end without a traceback under `… | head`."""
    end_quietly_with_the_reader()
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("EMOTION_DATA") or None,
        metavar="DIR",
        help="folder of the corpora (face/, voice/, text/); default: $EMOTION_DATA",
    )


def require(data: Path | str | None, part: str) -> Path:
    """Returns the path of one corpus, or exits the program with a one-line message if it does not exist."""
    if data is None:
        sys.exit("error: no corpora: give --data DIR or set EMOTION_DATA to the folder that holds them")
    path = Path(data) / part
    if not path.exists():
        sys.exit(f"error: {path} is not there: --data must name the folder that holds {part}")
    return path
