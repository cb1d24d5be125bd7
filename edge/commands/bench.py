"""`edge-emotion bench` measures every processing stage on this machine."""

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
    parser.add_argument(
        "--hours",
        type=_positive,
        metavar="H",
        help="instead: hear the file's sound over and over for so many hours of media time, as fast as it goes, and "
        "tell after each hour how much memory is in use",
    )
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    from edge import clip
    from edge.runtime import bench

    file, transcripts = arguments.file, arguments.transcripts
    if file is None:
        file, transcripts = clip.path(), transcripts or clip.transcripts()
    if arguments.hours is not None:
        return _soak(file, arguments)
    report = bench.measure(file, arguments.config, transcripts)
    print(json.dumps(report) if arguments.json else bench.table(report))
    return 0


def _soak(file: Path, arguments: argparse.Namespace) -> int:
    from edge import config
    from edge.runtime import soak

    settings = config.load(arguments.config) if arguments.config else config.Config()
    if not arguments.json:
        print("  hours  memory MB  observations")
    for hour in soak.sound(file, settings, arguments.hours):
        row = {"hours": hour.hours, "memory_mb": hour.memory_mb, "observations": hour.observations}
        text = (
            json.dumps(row) if arguments.json else f"{hour.hours:7.3f}  {hour.memory_mb:9.1f}  {hour.observations:12}"
        )
        print(text, flush=True)
    return 0


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours above 0")
    return value
