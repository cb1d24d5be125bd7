"""`edge-emotion run` as systemd starts it: READY and STATUS, signals at any moment, the journal."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.brokers import PATIENCE, Mosquitto, Reader, free_port
from support.running_command import CLIP, end, running

from edge.config import Config
from edge.emotions import LABELS

# Marks the start of `main`; no program can influence the start of the interpreter before it.
BEGUN = """
import sys
import edge.runtime.stop
from edge.cli import main
sys.stderr.write("begun\\n")
sys.stderr.flush()
sys.exit(main())
"""

NAME = Config().device.name


class Systemd:
    """The socket that systemd would listen at."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(PATIENCE)
        self.environment = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "600000"}

    def until(self, wanted: str) -> list[str]:
        """All lines up to the first that starts with `wanted`, with the datagram it came in."""
        lines: list[str] = []
        while not any(line.startswith(wanted) for line in lines):
            lines += self._socket.recv(4096).decode().split("\n")
        return lines

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    systemd = Systemd(tmp_path)
    yield systemd
    systemd.close()


def test_ready_means_that_it_publishes_and_the_watchdog_is_fed(systemd: Systemd, mosquitto: Mosquitto) -> None:
    with running(*CLIP, "--broker", mosquitto.url, "--quiet", env=systemd.environment) as process:
        lines = systemd.until("READY=1")
        assert f"STATUS=publishing to {mosquitto.url}; media file ok" in lines
        with Reader(mosquitto.address) as reader:
            reader.expect(f"emotion/{NAME}/availability", b"online")
            for _ in range(3):
                systemd.until("WATCHDOG=1")
            mosquitto.kill()
            assert any("not publishing: " in line for line in systemd.until("STATUS="))
            mosquitto.start()
            assert systemd.until(f"STATUS=publishing to {mosquitto.url}")
        process.send_signal(signal.SIGTERM)
        systemd.until("STOPPING=1")
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 0


def test_the_status_names_missing_sources(systemd: Systemd, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text('[camera]\nsource = "/dev/video97"\n[microphone]\nenabled = false')
    port = free_port()
    with running(
        "--broker", f"mqtt://127.0.0.1:{port}", "--config", config, "--quiet", env=systemd.environment
    ) as process:
        status = systemd.until("READY=1")[-1]
        assert f"not publishing: broker mqtt://127.0.0.1:{port}: nothing listens there; trying again" in status
        assert "/dev/video97" in status
        end(process)
    assert process.returncode == 0


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5, 1.0])
def test_a_signal_at_any_moment_from_the_start_is_an_orderly_end(seconds: float) -> None:
    command = [sys.executable, "-c", BEGUN, "run", *map(str, CLIP), "--broker", "embedded", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"begun\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGTERM)
        out, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, error) == (0, b"", b"")


def test_more_signals_while_it_ends_change_nothing(mosquitto: Mosquitto) -> None:
    with Reader(mosquitto.address) as reader, running(*CLIP, "--broker", mosquitto.url, "--quiet") as process:
        reader.expect(f"emotion/{NAME}/state")
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGINT)
            time.sleep(0.005)
        out, error = process.communicate(timeout=PATIENCE)
        assert (process.returncode, out, error) == (0, b"", b"")
        reader.expect(f"emotion/{NAME}/availability", b"stopped")


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_another_command_is_interrupted_at_once_without_a_traceback(how: signal.Signals, code: int) -> None:
    command = [sys.executable, "-c", BEGUN, "replay", str(CLIP[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(0.1)
        process.send_signal(how)
        out, error = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out, error) == (code, b"", b"")


def test_no_emotion_goes_into_the_journal(mosquitto: Mosquitto, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with journal.open("wb") as stream:
        status = os.fstat(stream.fileno())
        environment = {**os.environ, "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        command = [sys.executable, "-m", "edge.cli", "run", *map(str, CLIP), "--broker", mosquitto.url]
        with (
            Reader(mosquitto.address) as reader,
            subprocess.Popen(command, stdout=stream, stderr=stream, env=environment) as process,
        ):
            reader.expect(f"emotion/{NAME}/state")
            seen = len(reader.payloads(f"emotion/{NAME}/state"))
            while len(reader.payloads(f"emotion/{NAME}/state")) < seen + 10:
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
    assert process.returncode == 0
    text = journal.read_text()
    assert "connected to broker" in text
    assert not [label for label in LABELS if label in text.lower()]
