"""`edge-emotion service` installs, removes and shows the systemd service."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.commands import Commands


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "service",
        help="install, remove or look at the systemd service",
        description="Installs a systemd service that starts at boot, runs as a user of its own with camera, sound and "
        "network and nothing else, and is started anew when it fails or hangs.",
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    install = actions.add_parser("install", help="write the unit, its user and the configuration, and start it")
    install.add_argument("--user", metavar="NAME", help="run as this existing user instead of as edge-emotion")
    install.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="the configuration the service reads (default: /etc/edge-emotion/config.toml); written with the "
        "commented default where it is absent, never overwritten",
    )
    install.set_defaults(main=_install)

    uninstall = actions.add_parser("uninstall", help="stop it and remove the unit; the configuration stays")
    uninstall.set_defaults(main=_uninstall)

    for action in (install, uninstall):
        action.add_argument(
            "--root", metavar="DIR", type=Path, default=Path("/"), help="change the system in DIR, which is not running"
        )
        action.add_argument("--dry-run", action="store_true", help="only say what would be done")

    status = actions.add_parser("status", help="how it is and what it said last; exit code as systemctl's")
    status.set_defaults(main=_status)


def _install(arguments: argparse.Namespace) -> int:
    from edge.service.install import CONFIGURATION, Installer

    configuration = arguments.config.absolute() if arguments.config else CONFIGURATION
    Installer(arguments.root.resolve(), arguments.dry_run).install(arguments.user, configuration)
    return 0


def _uninstall(arguments: argparse.Namespace) -> int:
    from edge.service.install import Installer

    Installer(arguments.root.resolve(), arguments.dry_run).uninstall()
    return 0


def _status(_: argparse.Namespace) -> int:
    from edge.service import files
    from edge.service.install import check_systemd

    check_systemd()
    return subprocess.run(["systemctl", "status", "--no-pager", "--lines=10", files.UNIT], check=False).returncode
