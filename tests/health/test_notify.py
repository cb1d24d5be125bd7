"""Word to systemd, through a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.health.notify import Notifier, watchdog_interval


class Listener:
    """Stands in for systemd: owns the socket and reads datagrams."""

    def __init__(self, environ_name: str, bind_to: str) -> None:
        self.environ = {"NOTIFY_SOCKET": environ_name}
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(5)
        self._socket.bind(bind_to)

    def hear(self) -> str:
        return self._socket.recv(4096).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def listener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Listener]:
    if request.param == "path":
        listener = Listener(str(tmp_path / "notify"), str(tmp_path / "notify"))
    else:
        name = f"edge-emotion-test-{os.getpid()}"
        listener = Listener(f"@{name}", f"\0{name}")
    yield listener
    listener.close()


def test_every_message_arrives_in_systemds_form(listener: Listener) -> None:
    notifier = Notifier(listener.environ)
    assert notifier.listening
    assert notifier.ready("looking and listening")
    assert listener.hear() == "READY=1\nSTATUS=looking and listening"
    assert notifier.watchdog()
    assert listener.hear() == "WATCHDOG=1"
    assert notifier.status("no camera")
    assert listener.hear() == "STATUS=no camera"
    assert notifier.stopping()
    assert listener.hear() == "STOPPING=1"


def test_a_status_cannot_smuggle_in_another_assignment(listener: Listener) -> None:
    Notifier(listener.environ).status("camera gone\nWATCHDOG=trigger")
    assert listener.hear() == "STATUS=camera gone WATCHDOG=trigger"


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    assert not notifier.listening
    assert not notifier.ready()


def test_a_socket_that_has_gone_is_logged_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).watchdog()
    assert "could not be told" in caplog.text


def test_an_unknown_kind_of_socket_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    assert not Notifier({"NOTIFY_SOCKET": "vsock:2:1234"}).ready()
    assert "vsock:2:1234" in caplog.text


def test_the_environment_is_read_by_default(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", listener.environ["NOTIFY_SOCKET"])
    assert Notifier().ready()
    assert listener.hear() == "READY=1"


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_beaten_at_half_its_time(environ: dict[str, str], seconds: float | None) -> None:
    assert watchdog_interval(environ) == seconds
