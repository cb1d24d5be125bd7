"""The `edge-emotion` command."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from typing import Final

from edge import __version__, search_path
from edge.errors import EdgeEmotionError

COMMANDS: Final = ("run", "replay", "watch", "devices", "bench", "convert", "service", "config")

INTERRUPTED: Final = 128 + signal.SIGINT


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="edge-emotion",
        description="Reads the emotion of the person in front of a robot from face, voice and words, "
        "and publishes it over MQTT.",
        epilog="`edge-emotion COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=f"edge-emotion {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        importlib.import_module(f"edge.commands.{name}").add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; an error of ours is one line on standard error and exit code 1."""
    search_path.put_installation_first()
    # Before NumPy is imported. Its matrices are small here, and OpenBLAS's threads wait for each other by spinning:
    # beside other work a spectrogram took twenty times as long with two as with one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.main(arguments))
    except EdgeEmotionError as error:
        print(f"edge-emotion: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output (`| head`) has gone; that is its right.
        sys.stderr.close()
        return 0


if __name__ == "__main__":
    sys.exit(main())
