"""Where the broker is: `mqtt://[user[:password]@]host[:port]`, `mqtts://…` or `embedded`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from edge.errors import BrokerError

DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}

_HOST: Final = re.compile(
    r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?"
)
_FORM: Final = "write mqtt://[user[:password]@]host[:port], mqtts://… or embedded"


@dataclass(frozen=True, slots=True)
class Address:
    """One broker. Its text never shows the password."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    embedded: bool = False
    """Start a broker of our own on `host`; `port` 0 takes a free one."""

    def __str__(self) -> str:
        if self.embedded:
            return "embedded"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


EMBEDDED: Final = Address("127.0.0.1", 0, embedded=True)


def parse(text: str, *, username: str | None = None, password_file: Path | None = None) -> Address:
    """The address in `text`; user and password are percent-decoded.

    `username` and `password_file` hold where `text` names none itself. Raises `BrokerError`.
    """
    if text == "embedded":
        return EMBEDDED
    address = _parse_url(text)
    if address.username is None:
        address = replace(address, username=username)
    if address.password is None and password_file is not None:
        address = replace(address, password=read_password(password_file))
    if address.password is not None and address.username is None:
        raise BrokerError(f"broker {address}: a password without a user name; set mqtt.username or write user@host")
    return address


def read_password(path: Path) -> str:
    """The password in a file that holds nothing else but a line end. Raises `BrokerError`."""
    try:
        password = path.read_text("utf-8").rstrip("\r\n")
    except OSError as error:
        raise BrokerError(f"password file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BrokerError(f"password file {path} is not UTF-8 text") from error
    if not password:
        raise BrokerError(f"password file {path} is empty; write the password into it, alone")
    return password


def _parse_url(text: str) -> Address:
    # A message never repeats what stands before the last @: it may hold a password.
    shown = repr(re.sub(r"//.*@", "//…@", text))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise BrokerError(f"broker address {shown}: {_plain(error)}; {_FORM}") from error
    if parts.scheme not in DEFAULT_PORTS:
        hint = f"write mqtt://{text}" if re.fullmatch(r"[\w.-]+(:\d+)?", text) else _FORM
        raise BrokerError(f"broker address {shown} starts with neither mqtt:// nor mqtts://; {hint}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise BrokerError(f"broker address {shown} has something after the host; {_FORM}")
    if not parts.hostname or not _HOST.fullmatch(parts.hostname):
        raise BrokerError(f"broker address {shown} names no host; {_FORM}")
    if port == 0:
        raise BrokerError(f"broker address {shown}: port 0 is none; ports go from 1 to 65535")
    return Address(
        host=parts.hostname,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        tls=parts.scheme == "mqtts",
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def _plain(error: ValueError) -> str:
    """What is wrong with a port or bracket, without the text itself, which could hold a password."""
    return "the port is no number from 1 to 65535" if "ort" in str(error) else "the host is malformed"
