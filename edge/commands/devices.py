"""`edge-emotion devices` lists cameras and microphones."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands
    from edge.sources.devices import Devices


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
    print(msgspec.json.encode(found).decode() if arguments.json else table(found))
    return 0


def table(found: Devices) -> str:
    """The devices as text: one block for each kind. Each row begins with the name that the configuration accepts."""
    cameras = [(camera.source, f"{camera.name} ({camera.backend})") for camera in found.cameras]
    microphones = [
        (str(device.index), f"{device.name} ({device.rate} Hz, {_channels(device.channels)})")
        for device in found.microphones
    ]
    width = max((len(name) for name, _ in (*cameras, *microphones)), default=0)
    blocks = [
        [title, *(f"  {name:<{width}}  {what}" for name, what in rows)] if rows else [f"{title}: none found"]
        for title, rows in (("cameras (camera.source)", cameras), ("microphones (microphone.device)", microphones))
    ]
    if found.hints:
        blocks.append(["hints", *(f"  {hint}" for hint in found.hints)])
    return "\n".join(line for block in blocks for line in block)


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"
