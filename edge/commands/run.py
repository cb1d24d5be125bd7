"""`edge-emotion run` watches, listens and publishes until it is stopped.

Nothing about a person is written to systemd's journal: if standard output is the journal, the view is not shown.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands
    from edge.config import Config
    from edge.runtime.selection import Selection

SYSTEM_CONFIG = Path("/etc/edge-emotion/config.toml")
"""Configuration that is used without `--config`, if it exists."""


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="watch, listen and publish until stopped",
        description="Watches and listens, and publishes what it finds over MQTT until Ctrl-C. On a terminal it shows "
        "the live result too.",
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"configuration (default: {SYSTEM_CONFIG} if there, else built in)"
    )
    parser.add_argument("--source", type=Path, metavar="FILE", help="a media file in place of camera and microphone")
    parser.add_argument("--loop", action="store_true", help="with --source: start again at its end")
    parser.add_argument(
        "--transcripts", type=Path, metavar="FILE", help="with --source: what is said in it, as for `replay`"
    )
    parser.add_argument(
        "--broker",
        metavar="URL",
        help="mqtt://[user[:password]@]host[:port], mqtts://… or embedded (default: mqtt.broker)",
    )
    parser.add_argument(
        "--auto",
        action="store_true",
        help="the built-in clip where there is neither camera nor microphone, an embedded broker where the configured "
        "one cannot be reached",
    )
    parser.add_argument("--quiet", action="store_true", help="show nothing but warnings (for a service)")
    parser.set_defaults(main=main, ends_in_order=True)


def main(arguments: argparse.Namespace) -> int:
    import logging

    from edge.runtime import app
    from edge.terminal.standard_output import is_journal

    settings = _configuration(arguments.config)
    level = "warning" if arguments.quiet and settings.log_level == "info" else settings.log_level
    logging.basicConfig(level=level.upper(), format="%(levelname)s %(message)s", stream=sys.stderr)
    return app.run(
        settings,
        _inputs(arguments, settings),
        app.Options(
            broker=arguments.broker or settings.mqtt.broker,
            fall_back=arguments.auto and arguments.broker is None,
            view=not arguments.quiet and not is_journal(sys.stdout),
        ),
    )


def _configuration(path: Path | None) -> Config:
    from edge import config

    if path is None and not SYSTEM_CONFIG.is_file():
        return config.Config()
    return config.load(path or SYSTEM_CONFIG)


def _inputs(arguments: argparse.Namespace, settings: Config) -> Selection:
    from edge.errors import ConfigError
    from edge.runtime import selection

    if arguments.source is not None:
        return selection.from_file(settings, arguments.source, loop=arguments.loop, transcripts=arguments.transcripts)
    if arguments.loop or arguments.transcripts:
        raise ConfigError("--loop and --transcripts go with --source FILE")
    return selection.automatic(settings) if arguments.auto else selection.from_devices(settings)
