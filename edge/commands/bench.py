"""`edge-emotion bench`: what every stage costs on this machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "bench",
        help="measure every stage on one core of this machine",
        description="Runs the whole chain over a recording on one core, with a broker beside it, and prints median "
        "and 95th percentile of every stage, frames a second, start-up time and peak memory.",
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help="a media file (default: the built-in clip)")
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration (default: the built-in one)")
    parser.add_argument("--transcripts", type=Path, metavar="FILE", help="what is said in it, as for `replay`")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    from edge import bench, clip

    file, transcripts = arguments.file, arguments.transcripts
    if file is None:
        file, transcripts = clip.path(), transcripts or clip.transcripts()
    report = bench.measure(file, arguments.config, transcripts)
    print(json.dumps(report) if arguments.json else bench.table(report))
    return 0
