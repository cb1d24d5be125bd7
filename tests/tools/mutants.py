"""Puts small faults into one room after the other and counts those that the room's tests notice: `make mutants`.

cosmic-ray changes one operator, number or keyword at a time in a copy of the source tree, and runs the room's own tests
after each. A random sample of the possible faults is tried, the same one every time. What is done is kept under
`build/mutants/`, so an interrupted run goes on where it stopped; a room whose code or tests have changed begins anew.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome, WorkResult

ROOT: Final = Path(__file__).parents[2]
BUILD: Final = ROOT / "build" / "mutants"
COPIED: Final = ("edge", "converters", "models", "tests", "systemd", "pyproject.toml", "edge_emotion.py")
SEED: Final = 0


@dataclass(frozen=True, slots=True)
class Room:
    """Code that is changed, and the tests that must notice."""

    sources: tuple[str, ...]
    tests: tuple[str, ...]


RUNTIME: Final = ("mailbox", "worker", "supervision", "feeds", "recognition")

ROOMS: Final = {
    "fusion": Room(("edge/fusion",), ("tests/fusion",)),
    # Tests with a real broker, or a real sound server, take seconds; here are those of the pure part.
    "publish": Room(
        tuple(f"edge/publish/{name}.py" for name in ("payloads", "encoding", "topics", "health", "schema")),
        (
            "tests/publish/test_payloads.py",
            "tests/publish/test_golden_observations.py",
            "tests/publish/test_topics.py",
            "tests/health/test_health.py",
        ),
    ),
    "hearing": Room(
        ("edge/hearing",),
        tuple(f"tests/hearing/test_{name}.py" for name in ("golden", "utterance", "noise", "cleaning", "resample")),
    ),
    "inference": Room(("edge/inference",), ("tests/inference",)),
    # What composes sources, senses and outputs is left to tests of whole processes, which take seconds per fault.
    "runtime": Room(
        tuple(f"edge/runtime/{name}.py" for name in RUNTIME),
        tuple(f"tests/runtime/test_{name}.py" for name in RUNTIME),
    ),
    "parity": Room(("converters/parity.py",), ("tests/converters/test_parity.py",)),
}


@dataclass(frozen=True, slots=True)
class Score:
    """What came of one room's faults."""

    killed: int
    survived: int
    left: int
    """Faults of the sample that were not tried yet."""

    def __str__(self) -> str:
        tried = self.killed + self.survived
        rate = f"{self.killed / tried:.0%}" if tried else "-"
        return f"{self.killed:4} of {tried:4} noticed  {rate:>4}" + (f"  ({self.left} left)" if self.left else "")


def prepare(name: str, limit: int) -> Path:
    """Makes a room's copy and its list of faults, or finds those of an earlier run of the same code and tests.

    Args:
        name: A key of `ROOMS`.
        limit: Number of faults to try at most.

    Returns:
        The room's folder, with `tree/`, `config.toml` and `session.sqlite`.

    Raises:
        SystemExit: If the tests fail without any fault.
    """
    room, folder = ROOMS[name], BUILD / name
    state, stamp = _state(room, limit), folder / "state"
    tree = folder / "tree"
    same = stamp.is_file() and stamp.read_text() == state
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
    # Also in a run that goes on: the interrupted one may have left a fault in the copy.
    shutil.rmtree(tree, ignore_errors=True)
    for part in COPIED:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, tree / part, ignore=shutil.ignore_patterns("__pycache__", "runs"))
        else:
            shutil.copyfile(source, tree / part)
    if not same:
        command = f"{sys.executable} -m pytest -x -q -p no:cacheprovider {' '.join(room.tests)}"
        started = time.monotonic()
        if subprocess.run(command.split(), cwd=tree, stdout=subprocess.DEVNULL, check=False).returncode:
            raise SystemExit(f"{name}: the tests fail without any fault: {command}")
        timeout = 10 + 3 * (time.monotonic() - started)
        modules = ", ".join(f'"{source}"' for source in room.sources)
        (folder / "config.toml").write_text(
            f"[cosmic-ray]\nmodule-path = [{modules}]\ntimeout = {timeout:.1f}\nexcluded-modules = []\n"
            f'test-command = "{command}"\n[cosmic-ray.distributor]\nname = "local"\n'
        )
        _cosmic_ray("init", tree, None)
        with use_db(str(folder / "session.sqlite"), WorkDB.Mode.open) as session:
            _sample(session, tree, limit)
        stamp.write_text(state)
    return folder


def score(folder: Path) -> Score:
    """The score of what was tried so far."""
    with use_db(str(folder / "session.sqlite"), WorkDB.Mode.open) as session:
        tried = [result for _, result in session.results if result.worker_outcome is not WorkerOutcome.SKIPPED]
        left = session.num_work_items - session.num_results
    survived = sum(result.test_outcome is TestOutcome.SURVIVED for result in tried)
    return Score(len(tried) - survived, survived, left)


def survivors(folder: Path) -> Iterator[str]:
    """The faults that no test noticed, as `file:line operator`."""
    with use_db(str(folder / "session.sqlite"), WorkDB.Mode.open) as session:
        unnoticed = {job for job, result in session.results if result.test_outcome is TestOutcome.SURVIVED}
        for item in session.work_items:
            if item.job_id in unnoticed:
                (mutation,) = item.mutations
                yield f"{mutation.module_path}:{mutation.start_pos[0]} {mutation.operator_name.removeprefix('core/')}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rooms", nargs="*", choices=[*ROOMS, []], help="default: all")
    parser.add_argument("--limit", type=int, default=150, help="faults per room (default: 150)")
    parser.add_argument("--minutes", type=float, default=30, help="time per room (default: 30); start again to go on")
    parser.add_argument("--survivors", action="store_true", help="list the faults that no test noticed")
    arguments = parser.parse_args(argv)
    for name in arguments.rooms or ROOMS:
        folder = prepare(name, arguments.limit)
        _cosmic_ray("exec", folder / "tree", arguments.minutes * 60)
        print(f"{name:<10} {score(folder)}", flush=True)
        if arguments.survivors:
            print(*(f"    {line}" for line in survivors(folder)), sep="\n")
    return 0


def annotation_spans(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where the type annotations of a module begin and end, as (line, column): a fault there changes nothing."""
    found: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg | ast.AnnAssign):
            found.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.append(node.returns)
    return [
        ((node.lineno, node.col_offset), (node.end_lineno or node.lineno, node.end_col_offset or 0))
        for node in found
        if node is not None
    ]


def _sample(session: WorkDB, tree: Path, limit: int) -> None:
    """Skips faults in annotations, and of the rest all but a random sample of `limit`."""
    known: dict[Path, list[tuple[tuple[int, int], tuple[int, int]]]] = {}

    def in_annotation(mutation: MutationSpec) -> bool:
        path = mutation.module_path
        if path not in known:
            known[path] = annotation_spans((tree / path).read_text("utf-8"))
        return any(begin <= mutation.start_pos < end for begin, end in known[path])

    items = list(session.work_items)
    kept = sorted(
        (item for item in items if not any(map(in_annotation, item.mutations))),
        key=lambda item: [(str(m.module_path), m.start_pos, m.operator_name, m.occurrence) for m in item.mutations],
    )
    sample = {item.job_id for item in random.Random(SEED).sample(kept, min(limit, len(kept)))}
    skipped = [item.job_id for item in items if item.job_id not in sample]
    session.set_multiple_results(skipped, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def _cosmic_ray(action: str, tree: Path, seconds: float | None) -> None:
    program = Path(sys.executable).with_name("cosmic-ray")
    process = subprocess.Popen([program, action, "../config.toml", "../session.sqlite"], cwd=tree)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    finally:
        process.terminate()
        process.wait()
    if code:
        raise SystemExit(f"cosmic-ray {action} failed in {tree}")


def _state(room: Room, limit: int) -> str:
    digest = hashlib.sha256(str((limit, SEED, room)).encode())
    for name in (*room.sources, *room.tests):
        path = ROOT / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
