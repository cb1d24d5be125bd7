"""`edge-emotion devices`: what cameras and microphones are there."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "devices",
        help="list cameras and microphones",
        description="Lists the cameras and microphones that are there, as they are named in the configuration, and "
        "what is missing to use others.",
    )
    parser.add_argument("--json", action="store_true", help="as one JSON object")
    parser.set_defaults(main=main)


def main(arguments: argparse.Namespace) -> int:
    import msgspec

    from edge.sources import devices

    found = devices.find()
    if arguments.json:
        print(msgspec.json.encode(found).decode())
        return 0
    for camera in found.cameras:
        print(f"camera      {camera.source:<14} {camera.name} ({camera.backend})")
    for microphone in found.microphones:
        print(f"microphone  {microphone.index:<14} {microphone.name} ({microphone.rate} Hz)")
    for hint in found.hints:
        print(hint)
    return 0
