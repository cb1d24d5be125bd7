"""The command line itself: help, version, errors, and `bench`."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from edge import __version__, clip
from edge.cli import COMMANDS


def edge_emotion(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "edge.cli", *arguments], capture_output=True, text=True, timeout=240, check=False
    )


def test_version() -> None:
    assert edge_emotion("--version").stdout == f"edge-emotion {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = edge_emotion(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: edge-emotion {command}")
    assert len(done.stdout) > 200


def test_no_command_is_an_error_with_usage() -> None:
    done = edge_emotion()
    assert done.returncode == 2
    assert "COMMAND" in done.stderr


def test_help_loads_nothing_heavy() -> None:
    code = "import sys; from edge.cli import build_parser; build_parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "cv2", "ai_edge_litert", "tensorflow", "av", "paho"} & set(loaded)


@pytest.mark.parametrize(("given", "used"), [(None, "1"), ("3", "3")])
def test_linear_algebra_has_one_thread_unless_configured_otherwise(given: str | None, used: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    code = (
        "import os, sys; from edge.cli import main; assert 'numpy' not in sys.modules; main(['config']); "
        "print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment | ({"OPENBLAS_NUM_THREADS": given} if given else {}),
    )
    assert done.stdout.splitlines()[-1] == used


def test_bench_reports_every_stage() -> None:
    done = edge_emotion("bench", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report["stages"]) >= {
        *("read", "detect", "crop", "infer face", "resample", "vad", "pitch", "voice features"),
        *("infer voice", "infer words", "fuse", "publish"),
    }
    for row in (*report["stages"].values(), report["frame"]):
        assert 0 < row["median_ms"] <= row["p95_ms"]
        assert row["n"] > 0
    assert report["frames"] == 225
    assert report["peak_mb"] > 20
    assert report["startup_s"] > 0


def test_bench_of_nothing_is_one_line() -> None:
    done = edge_emotion("bench", "gone.mp4")
    assert done.returncode == 1
    assert done.stderr == "edge-emotion: error: file gone.mp4: no such file\n"


def test_the_reader_of_our_output_may_go() -> None:
    head = f"{sys.executable} -m edge.cli replay {clip.path()} --json | head -n 1"
    done = subprocess.run(["bash", "-c", head], capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
