"""Word to systemd: the protocol of sd_notify(3) over its datagram socket, without libsystemd."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Tells systemd how the service is doing; does nothing where no systemd listens. Safe from any thread."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))

    @property
    def listening(self) -> bool:
        """True where systemd (or a test) gave us a socket to talk to."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Start-up is done; with `Type=notify` the unit is `active` only from here on."""
        return self._send("READY=1", _status(status))

    def watchdog(self) -> bool:
        """Still alive; due every `watchdog_interval()`."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """One line that `systemctl status` shows."""
        return self._send(_status(text))

    def stopping(self, status: str = "") -> bool:
        """Shutting down on purpose."""
        return self._send("STOPPING=1", _status(status))

    def _send(self, *assignments: str) -> bool:
        """False where nobody listens, or where the message could not be handed over (which is logged)."""
        if self._address is None:
            return False
        message = "\n".join(assignment for assignment in assignments if assignment)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.connect(self._address)
                sender.sendall(message.encode())
        except OSError as error:
            # A service must not die of systemd's socket; when it matters, the watchdog will say so.
            log.warning("systemd could not be told %r: %s", message, error.strerror or error)
            return False
        return True


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two beats: half of the unit's `WatchdogSec`, as sd_watchdog_enabled(3) advises.

    None where no watchdog is set, or where it is meant for another process.
    """
    microseconds, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(microseconds) / 1e6 / 2


def _address(socket_name: str) -> str | None:
    """What `connect` takes: `@name` is an abstract socket, which begins with a zero byte."""
    if socket_name.startswith("@"):
        return "\0" + socket_name[1:]
    if socket_name.startswith("/"):
        return socket_name
    if socket_name:
        log.warning("NOTIFY_SOCKET=%s is of a kind this program does not speak; systemd is told nothing", socket_name)
    return None


def _status(text: str) -> str:
    # A newline would begin another assignment.
    return f"STATUS={' '.join(text.split())}" if text else ""
