"""Paths of secret files: an ordinary path, or `credential:NAME` for a credential that systemd passes to the service.

systemd reads the file as root, decrypts it if it was encrypted with `systemd-creds`, and gives it to the service alone,
in the folder `$CREDENTIALS_DIRECTORY` (https://systemd.io/CREDENTIALS).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from edge.errors import BrokerError

_PREFIX: Final = "credential:"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}")


def resolve(path: Path) -> Path:
    """The path of the file itself.

    Raises:
        BrokerError: It names a credential that systemd has not passed to this process, or an invalid name.
    """
    text = str(path)
    if not text.startswith(_PREFIX):
        return path
    name = text.removeprefix(_PREFIX)
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise BrokerError(f"{text}: the name of a credential has 1 to 255 letters, digits, '_', '.' and '-'")
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = None if folder is None else Path(folder) / name
    if file is None or not file.is_file():
        raise BrokerError(
            f"{text}: systemd passes no such credential; add LoadCredential={name}:/path/of/the/file to the unit "
            "(systemctl edit edge-emotion)"
        )
    return file
