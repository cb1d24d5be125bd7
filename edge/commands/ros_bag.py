"""`edge-emotion ros-bag LINES` converts a recording of payloads to a rosbag2 recording, without ROS."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from edge.commands import Commands
    from edge.publish.payloads import FaceObservation, State, VoiceObservation

MAX_LINE: Final = 100_000
"""Longest line in bytes. A state has about 2 kB."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "ros-bag",
        help="convert recorded estimates to a rosbag2 recording (MCAP) for ROS 2 and Foxglove",
        description="Converts lines of JSON, as `edge-emotion replay --json --observations` prints them, to a rosbag2 "
        "recording with MCAP storage: hri_msgs/msg/Expression and the other messages of REP-155. ROS is not needed.",
        epilog="example:  edge-emotion replay film.mp4 --json --observations | edge-emotion ros-bag - --out film_bag",
    )
    parser.add_argument("lines", metavar="LINES", help="a file of JSON lines, or - for standard input")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the new folder of the recording")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    from edge.errors import SourceError
    from edge.ros.bag import Bag
    from edge.ros.stream import RosStream

    skipped = 0
    stream = RosStream()
    try:
        source = sys.stdin.buffer if arguments.lines == "-" else Path(arguments.lines).open("rb")  # noqa: SIM115
    except OSError as error:
        raise SourceError(f"{arguments.lines}: {error.strerror}") from error
    with source, Bag(arguments.out) as bag:
        for payload in _payloads(source):
            try:
                if payload is None:
                    raise ValueError("not a payload")
                for topic, at, message in stream.messages(payload):
                    bag.write(topic, at, message)
            except ValueError:
                skipped += 1
        written = bag.count
        if written == 0:
            raise SourceError(
                f"{arguments.lines} has no state or observation of a person; record with `edge-emotion replay FILE "
                "--json`"
            )
    others = f"; {skipped} other lines were skipped" if skipped else ""
    print(f"{written} messages in {arguments.out}{others}", file=sys.stderr)
    return 0


def _payloads(source: BinaryIO) -> Iterator[State | FaceObservation | VoiceObservation | None]:
    """The payload of each line; None for a line that holds something else."""
    import msgspec

    from edge.publish.decoding import decode_state
    from edge.publish.payloads import FaceObservation, State, VoiceObservation

    class Line(msgspec.Struct):
        """The part of every payload that tells its kind."""

        schema: str

    kinds = {"edge-emotion/state": State, "edge-emotion/face": FaceObservation, "edge-emotion/voice": VoiceObservation}
    while line := source.readline(MAX_LINE):
        if not line.strip():
            continue
        try:
            # The rest of a line that is too long follows as further lines, which are no JSON either.
            schema = msgspec.json.decode(line, type=Line).schema
            kind = kinds.get(schema.rpartition("/")[0])
            if kind is State:
                yield decode_state(line)
            else:
                yield None if kind is None else msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            yield None
