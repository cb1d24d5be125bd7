"""Standard output that is full or closed, and output that goes into the journal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.brokers import PATIENCE, Mosquitto, Reader
from support.media_files import remux
from support.payload_samples import state

from edge import clip
from edge.publish.encoding import encode
from edge.terminal.standard_output import is_journal

FULL = "edge-emotion: error: standard output: No space left on device\n"
CLOSED = "edge-emotion: error: standard output is closed\n"
COMMAND = f"{sys.executable} -m edge.cli"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "short.mp4"
    remux(clip.path(), path, until=0.5)
    return path


@pytest.mark.parametrize("arguments", ["config", "devices", "replay {film} --json", "replay {film}", "--version"])
def test_a_full_disk_is_one_line(arguments: str, film: Path) -> None:
    done = shell(f"exec {COMMAND} {arguments.format(film=film)} > /dev/full")
    assert (done.returncode, done.stderr) == (1, FULL)


@pytest.mark.parametrize("arguments", ["config", "replay {film} --json"])
def test_a_closed_output_is_one_line(arguments: str, film: Path) -> None:
    done = shell(f"exec {COMMAND} {arguments.format(film=film)} >&-")
    assert (done.returncode, done.stderr) == (1, CLOSED)


@pytest.mark.parametrize(("where", "said"), [("> /dev/full", FULL), (">&-", CLOSED)])
def test_watch_and_the_view_of_run_say_it_too(mosquitto: Mosquitto, where: str, said: str) -> None:
    with Reader(mosquitto.address, "none") as writer:
        writer.publish("emotion/robot/state", encode(state()), retain=True)
    for arguments in ("watch --json", "watch", "watch --once", f"run --source {clip.path()}"):
        done = shell(f"exec {COMMAND} {arguments} --broker {mosquitto.url} {where}")
        assert done.returncode == 1, arguments
        assert done.stderr.endswith(said), arguments
        assert "Traceback" not in done.stderr


def test_without_standard_error_an_error_is_an_exit_code() -> None:
    done = shell(f"exec {COMMAND} replay gone.mp4 2>&-")
    assert (done.returncode, done.stdout) == (1, "")


def test_text_still_comes_out_whole() -> None:
    done = shell(f"{COMMAND} config | tail -n 1")
    assert "retry_max_s" in done.stdout


def test_only_the_stream_that_systemd_names_is_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as stream:
        status = os.fstat(stream.fileno())
        assert is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + 1}"})
        assert not is_journal(stream, {"JOURNAL_STREAM": f"{status.st_dev + 1}:{status.st_ino}"})
        assert not is_journal(stream, {"INVOCATION_ID": "0" * 32})
        assert not is_journal(stream, {"JOURNAL_STREAM": "nonsense"})
        assert not is_journal(None, {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"})
