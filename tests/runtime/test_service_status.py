"""Notifications to systemd: READY only when it is true, and a status line that follows events."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.health import catalogue
from edge.health.notify import Notifier
from edge.health.registry import Registry
from edge.mqtt.message import Status
from edge.runtime.service_status import CAMERA, MICROPHONE, READY_WITHIN_S, ServiceStatus

BROKER = "mqtt://broker:1883"
REFUSED = f"broker {BROKER}: nothing listens there; is the broker running, is the port right?"


class Service:
    """A status output on a real datagram socket, with everything it looks at in the test's hand."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.setblocking(False)
        self.registry = Registry()
        self.opening = {"camera", "microphone"}
        self.connected, self.last_error, self.failures = False, None, 0  # type: bool, str | None, int
        self.missing: dict[str, str] = {"face": "no face", "voice": "silence", "words": "no words"}
        self.now = 1000.0
        notifier = Notifier({"NOTIFY_SOCKET": str(folder / "notify")})
        self.output = ServiceStatus(
            notifier,
            (CAMERA, MICROPHONE),
            self.registry,
            opening=lambda: self.opening,
            broker=self.status,
            address=BROKER,
            started_at=self.now,
        )

    def status(self) -> Status:
        return Status(self.connected, self.last_error, int(self.connected), self.failures, 0, 0, alive=True)

    def round(self, seconds: float = 0.2) -> list[str]:
        """The messages of a round that follows the last one after a number of seconds."""
        self.now += seconds
        self.output.tick(self.now, dict(self.missing))
        try:
            return self._socket.recv(4096).decode().split("\n")
        except BlockingIOError:
            return []

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = Service(tmp_path)
    yield service
    service.close()


def test_ready_comes_with_the_first_round_in_which_all_is_settled(service: Service) -> None:
    assert service.round() == [f"STATUS=connecting to {BROKER}; camera: opening; microphone: opening"]
    service.opening.discard("camera")
    assert not any("READY" in line for line in service.round(1.1))
    service.connected = True
    assert not any("READY" in line for line in service.round(1.1))
    service.opening.discard("microphone")
    service.missing["voice"] = "no microphone found; plug one in"
    assert service.round(1.1) == [
        "READY=1",
        f"STATUS=publishing to {BROKER}; camera ok; microphone: no microphone found; plug one in",
    ]
    assert service.round(0.1) == []


def test_without_a_broker_it_is_ready_once_an_attempt_has_failed(service: Service) -> None:
    service.missing |= {"face": "camera off", "voice": "microphone off"}
    service.opening.clear()
    assert not any("READY" in line for line in service.round())
    service.last_error, service.failures = REFUSED, 1
    assert service.round() == [
        "READY=1",
        f"STATUS=not publishing: broker {BROKER}: nothing listens there; trying again; "
        "camera: camera off; microphone: microphone off",
    ]


def test_a_source_that_never_settles_does_not_delay_the_boot(service: Service) -> None:
    service.connected = True
    assert not any("READY" in line for line in service.round(READY_WITHIN_S - 1.0))
    assert service.round(1.0) == ["READY=1", f"STATUS=publishing to {BROKER}; camera: opening; microphone: opening"]
    assert not any("READY" in line for line in service.round(READY_WITHIN_S))


def test_every_change_is_reported_including_repetitions(service: Service) -> None:
    service.connected = True
    service.opening.clear()
    service.missing["voice"] = "microphone off"
    for _ in range(2):
        service.registry.increment(catalogue.CAMERA_FRAMES)
        assert service.round(1.1)[-1] == f"STATUS=publishing to {BROKER}; camera ok; microphone: microphone off"
        assert service.round(0.1) == []
        service.missing["face"] = "camera /dev/video0: gone"
        service.connected, service.last_error = False, REFUSED
        (told,) = service.round(1.1)
        assert told.startswith("STATUS=not publishing: ")
        assert "camera: camera /dev/video0: gone" in told
        service.missing["face"] = "no face"
        service.connected, service.last_error = True, None


def test_a_camera_that_falls_silent_without_a_fault_is_not_called_ok(service: Service) -> None:
    service.connected = True
    service.opening.clear()
    service.missing["voice"] = "microphone off"
    service.registry.increment(catalogue.CAMERA_FRAMES)
    service.round()
    assert service.round(4.0) == []
    assert service.round(2.0) == [f"STATUS=publishing to {BROKER}; camera: gives nothing; microphone: microphone off"]
    service.registry.increment(catalogue.CAMERA_FRAMES)
    assert "camera ok" in service.round(2.0)[0]


def test_a_flapping_source_changes_the_line_once_a_second_at_most(service: Service) -> None:
    service.connected = True
    service.opening.clear()
    service.missing["voice"] = "microphone off"
    sent = []
    for i in range(50):
        service.missing["face"] = f"fault {i}"
        sent += service.round(0.1)
    assert len([line for line in sent if line.startswith("STATUS")]) <= 6
