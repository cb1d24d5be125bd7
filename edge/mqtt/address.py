"""Broker addresses: `mqtt://[user[:password]@]host[:port]`, `mqtts://…` or `embedded`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from edge.errors import BrokerError
from edge.mqtt.secret_file import resolve

DEFAULT_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
"""URL scheme → TCP port of an address without a port."""

_HOST: Final = re.compile(
    r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*(%[A-Za-z0-9_.-]+)?"
)
"""A host name, an IPv4 address, or an IPv6 address with an optional zone."""

_FORM: Final = "write mqtt://[user[:password]@]host[:port], mqtts://… or embedded"
"""End of an error message that explains the syntax."""


@dataclass(frozen=True, slots=True)
class Address:
    """The address of one broker. `str` and `repr` never show the password."""

    host: str
    """Host name or IP address; an IPv6 address stands without brackets."""
    port: int
    """TCP port."""
    tls: bool = False
    """Connect over TLS."""
    username: str | None = None
    """MQTT user name; None for an anonymous client."""
    password: str | None = field(default=None, repr=False)
    """MQTT password; None for a client without a password."""
    embedded: bool = False
    """This program starts the broker itself, on `host`. With `port` 0 it takes a free port."""

    def __str__(self) -> str:
        if self.embedded:
            return "embedded"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"


EMBEDDED: Final = Address("127.0.0.1", 0, embedded=True)
"""The embedded broker on a free port of this machine."""


def parse(text: str, *, username: str | None = None, password_file: Path | None = None) -> Address:
    """Parses a broker address.

    Args:
        text: URL, or `embedded`. User name and password are percent-decoded.
        username: user name if `text` has none.
        password_file: file with the password if `text` has none.

    Raises:
        BrokerError: the address or the password file cannot be used.
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
    """Reads a file that contains the password and at most a line break after it. Raises `BrokerError`.

    `path` may be written as `credential:NAME` (`edge.mqtt.secret_file`).
    """
    path = resolve(path)
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
    # Error messages leave out everything before the last @, since it may contain a password.
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
    """Describes a `ValueError` of `urlsplit` without quoting the address, which may contain a password."""
    return "the port is no number from 1 to 65535" if "ort" in str(error) else "the host is malformed"
