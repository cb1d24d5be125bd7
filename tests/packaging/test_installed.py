"""An installed wheel, used from a folder whose files have the names of ours and of the standard library's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.built_wheel import ROOT, build, install
from support.media_files import remux

from edge import clip

FILM_S = 2.5


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    return install(build(folder / "wheel"), folder / "environment") / "edge-emotion"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    remux(clip.path(), path, until=FILM_S)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A robot's folder; each of its modules leaves a mark when it is executed."""
    for module in ("models/__init__", "models/face/__init__", "converters/__init__", "edge/__init__", "nt", "random"):
        path = tmp_path / f"{module}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("open(__file__ + '.executed', 'w').close()\n")
    (tmp_path / "config.toml").write_text('[device]\nname = "tested"\n')
    return tmp_path


def executed(workspace: Path) -> list[str]:
    return sorted(str(path.relative_to(workspace)) for path in workspace.rglob("*.executed"))


def use(program: Path, workspace: Path, *arguments: str | Path, python_path: bool = True) -> bytes:
    """The standard output of one command, run in the workspace, which is in `PYTHONPATH` too unless said otherwise."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if python_path:
        environment["PYTHONPATH"] = str(workspace)
    done = subprocess.run(
        [str(program), *map(str, arguments)],
        cwd=workspace,
        env=environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert b"Haar" not in done.stderr
    return done.stdout


def test_the_trap_works(workspace: Path) -> None:
    """Without our precautions Python executes the modules in that folder."""
    command = [sys.executable, "-c", "import nt, models, edge, converters"]
    subprocess.run(command, cwd=workspace, check=True, timeout=60)
    assert executed(workspace) == [f"{name}.executed" for name in TRAPPED]


TRAPPED = ("converters/__init__.py", "edge/__init__.py", "models/__init__.py", "nt.py")


def test_replay_gives_the_bytes_that_the_clone_gives(program: Path, workspace: Path, film: Path) -> None:
    arguments = ("replay", film, "--json", "--observations")
    installed = use(program, workspace, *arguments)
    clone = subprocess.run(
        [sys.executable, "-m", "edge.cli", *map(str, arguments)], cwd=ROOT, capture_output=True, check=True, timeout=120
    )
    assert b'"face"' in installed
    assert installed == clone.stdout
    assert executed(workspace) == []


@pytest.mark.parametrize("python_path", [True, False], ids=["PYTHONPATH", "folder"])
def test_bench_measures_in_an_isolated_process(program: Path, workspace: Path, film: Path, python_path: bool) -> None:
    report = use(program, workspace, "bench", film, "--config", "config.toml", python_path=python_path)
    assert b"infer face" in report
    assert executed(workspace) == []


def test_run_publishes_a_film_to_its_end(program: Path, workspace: Path, film: Path) -> None:
    use(program, workspace, "run", "--source", film, "--broker", "embedded", "--quiet")
    assert executed(workspace) == []


def test_a_configuration_is_checked(program: Path, workspace: Path) -> None:
    assert b"config.toml: ok" in use(program, workspace, "config", "--check", "config.toml")
    assert executed(workspace) == []


def test_a_recogniser_in_pythonpath_is_found(program: Path, workspace: Path, film: Path) -> None:
    """Code of a robot is imported from there and may import the package under its installed name."""
    (workspace / "robot_ears.py").write_text(
        "from edge_emotion.observation import Transcript\n"
        "from edge_emotion.words.recogniser import Recogniser\n"
        "class Ears:\n"
        "    def __init__(self, model): open('heard', 'w').close()\n"
        "    def feed(self, chunk): return ()\n"
        "    def flush(self): return ()\n"
    )
    (workspace / "ears.toml").write_text('[transcripts]\nrecogniser = "robot_ears:Ears"\n')
    use(program, workspace, "replay", film, "--json", "--config", "ears.toml")
    assert (workspace / "heard").exists()
    assert executed(workspace) == []
