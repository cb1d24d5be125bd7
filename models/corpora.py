"""Where the corpora are: `--data DIR`, else the environment variable `EMOTION_DATA`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from models.pipes import end_quietly_with_the_reader


def add_data_option(parser: argparse.ArgumentParser) -> None:
    """For the programs that measure and train; from here on `… | head` ends them without a traceback."""
    end_quietly_with_the_reader()
    parser.add_argument(
        "--data",
        type=Path,
        default=os.environ.get("EMOTION_DATA") or None,
        metavar="DIR",
        help="folder of the corpora (face/, voice/, text/); default: $EMOTION_DATA",
    )


def require(data: Path | str | None, part: str) -> Path:
    """The path of one corpus; ends the program with one clear line where it is not there."""
    if data is None:
        sys.exit("error: no corpora: give --data DIR or set EMOTION_DATA to the folder that holds them")
    path = Path(data) / part
    if not path.exists():
        sys.exit(f"error: {path} is not there: --data must name the folder that holds {part}")
    return path
