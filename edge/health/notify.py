"""Messages to systemd: the protocol of sd_notify(3) over a datagram socket, without libsystemd."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Reports the state of the service to systemd; does nothing without systemd. Safe to use from any thread."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))

    @property
    def listening(self) -> bool:
        """Whether `NOTIFY_SOCKET` names a socket."""
        return self._address is not None

    def ready(self, status: str = "") -> bool:
        """Reports that start-up is complete; a unit with `Type=notify` becomes `active` only then."""
        return self._send("READY=1", _status(status))

    def watchdog(self) -> bool:
        """Resets systemd's watchdog; due every `watchdog_interval()` seconds."""
        return self._send("WATCHDOG=1")

    def status(self, text: str) -> bool:
        """Sets the status line of `systemctl status`."""
        return self._send(_status(text))

    def stopping(self, status: str = "") -> bool:
        """Reports an intended shutdown."""
        return self._send("STOPPING=1", _status(status))

    def _send(self, *assignments: str) -> bool:
        """Sends a message and returns whether it was sent; a failure is logged."""
        if self._address is None:
            return False
        message = "\n".join(assignment for assignment in assignments if assignment)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.connect(self._address)
                sender.sendall(message.encode())
        except OSError as error:
            # A broken socket must not end the service. If systemd no longer receives messages, its watchdog acts.
            log.warning("systemd could not be told %r: %s", message, error.strerror or error)
            return False
        return True


def watchdog_interval(environ: Mapping[str, str] = os.environ) -> float | None:
    """Seconds between two watchdog messages: half of the unit's `WatchdogSec`, as sd_watchdog_enabled(3) advises.

    None if no watchdog is set, or if it is meant for another process.
    """
    microseconds, process = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(microseconds) / 1e6 / 2


def _address(socket_name: str) -> str | None:
    """The address for `connect`. `@name` is an abstract socket, whose address begins with a zero byte."""
    if socket_name.startswith("@"):
        return "\0" + socket_name[1:]
    if socket_name.startswith("/"):
        return socket_name
    if socket_name:
        log.warning("NOTIFY_SOCKET=%s is not a path or an abstract name; systemd gets no messages", socket_name)
    return None


def _status(text: str) -> str:
    # A newline would start another assignment.
    return f"STATUS={' '.join(text.split())}" if text else ""
