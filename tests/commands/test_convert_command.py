"""`edge-emotion convert` as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="no tensorflow here (pip install 'edge-emotion[convert]')")

from support.keras_models import columns, model

from edge import cli
from edge.inference.interpreter import open_model

LABELS = "anger,disgust,fear,happiness,neutral,sadness,surprise"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With `residual.keras` and its calibration set."""
    place = tmp_path_factory.mktemp("convert")
    model("residual").save(place / "residual.keras")
    np.savez(place / "residual.npz", **columns("residual"))  # type: ignore[arg-type]
    np.savez(place / "zero.npz", picture=np.zeros((1, 24, 24, 1), np.float32))
    (place / "zero.keras").write_bytes(bytes(100))
    return place


@pytest.fixture
def convert(monkeypatch: pytest.MonkeyPatch, folder: Path):
    """Runs `edge-emotion convert` in `folder`; returns the exit code."""
    monkeypatch.setattr(cli, "COMMANDS", ("convert",))
    monkeypatch.chdir(folder)
    return lambda *words: cli.main(["convert", *map(str, words)])


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs the job in this process, which has TensorFlow loaded already."""
    from converters import _worker, job, process

    monkeypatch.setattr(process, "run", lambda folder, *_: _worker.work(job.read(folder), folder))


def test_a_report_a_model_and_its_card(convert, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ("residual.keras", "--to", "int8", "--calibration", "residual.npz", "--card", "--labels", LABELS, "--json")
    assert convert(*words) == 0
    printed = capfd.readouterr()
    report = json.loads(printed.out)
    assert "converting to int8" in printed.err
    assert report["out"] == "residual.int8.tflite"
    assert report["source_bytes"] == (folder / "residual.keras").stat().st_size
    assert report["bytes"] == (folder / "residual.int8.tflite").stat().st_size
    assert report["inputs"] == ["picture (1, 24, 24, 1) int8"]
    assert report["compared_on"] == "calibration rows"
    assert report["parity"]["n"] == 60
    assert report["parity"]["agreement"] >= 0.8
    assert report["latency"]["median_ms"] > 0

    interpreter, card = open_model(folder / "residual.int8.tflite")
    assert card.sha256 == report["sha256"]
    assert ",".join(card.labels) == LABELS
    assert interpreter.run(np.zeros((1, 24, 24, 1), np.float32))[0].shape == (1, 7)


def test_too_little_agreement_is_refused_and_nothing_is_written(
    convert, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    # All zeros but one row: every activation's range is that of almost nothing, so that the last row is cut off.
    pictures = columns("residual")["picture"]
    np.savez(folder / "flat.npz", picture=np.concatenate([pictures * 1e-9, pictures]))
    words = ("residual.keras", "--to", "int8", "--calibration", "flat.npz", "--out", "refused.tflite")
    assert convert(*words, "--min-agreement", "1.0") == 1
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert "% of 120 decisions on calibration rows equal the Keras model's, 100.00% are asked for" in line
    assert not (folder / "refused.tflite").exists()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("absent.keras", "--to", "float32"), "model absent.keras: No such file"),
        (("residual.npz", "--to", "float32"), "model residual.npz: not a Keras model"),
        (("residual.keras", "--to", "int8"), "int8 needs a calibration set"),
        (("residual.keras", "--to", "int8", "--calibration", "absent.npz"), "calibration absent.npz: No such file"),
        (("residual.keras", "--to", "float32", "--out", "model.bin"), "must end in .tflite"),
        (("residual.keras", "--to", "float32", "--card"), "--card needs --labels or --like"),
        (("residual.keras", "--to", "float32", "--card", "--like", "absent.json"), "model card absent.json"),
        (("residual.keras", "--to", "float32", "--import", "absent.py"), "--import absent.py: no such file"),
        (("residual.keras", "--to", "float32", "--import", "no-name"), "neither a .py file nor the name of a module"),
        (("residual.keras", "--to", "float32", "--import-path", "absent"), "--import-path absent: not a folder"),
        (("zero.keras", "--to", "float32"), "not a Keras model"),
        (
            ("residual.keras", "--to", "int8", "--calibration", "zero.npz"),
            "calibration zero.npz: too little to measure",
        ),
    ],
)
def test_impossible_requests_are_refused_in_one_line(
    convert, words, line: str, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(Path().iterdir())
    assert convert(*words) == 1
    printed = capfd.readouterr()
    assert printed.out == ""
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.err.startswith("edge-emotion: error: ")
    assert line in printed.err
    assert set(Path().iterdir()) == before


def test_agreement_is_not_claimed_where_the_source_always_decides_alike(
    convert, in_process: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import keras

    picture = keras.Input((4,))
    stuck = keras.layers.Dense(3, kernel_initializer="zeros", bias_initializer="ones")
    keras.Model(picture, stuck(picture)).save(tmp_path / "stuck.keras")
    words = (tmp_path / "stuck.keras", "--to", "float32", "--out", tmp_path / "stuck.tflite")
    assert convert(*words) == 0
    assert "equal decisions  not measured: the source decides alike on all of them" in capfd.readouterr().out
    (tmp_path / "stuck.tflite").unlink()
    assert convert(*words, "--min-agreement", "0.5") == 1
    assert "decides alike on all 200 random inputs, so agreement cannot be measured" in capfd.readouterr().err
    assert not (tmp_path / "stuck.tflite").exists()


def test_calibration_outside_the_range_of_the_card_is_refused(
    convert, in_process: None, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = np.random.default_rng(1).random((40, 24, 24, 1), np.float32)
    np.savez(folder / "unit.npz", picture=picture)
    np.savez(folder / "bytes.npz", picture=255 * picture)
    words = ("residual.keras", "--to", "int8", "--out", "ranged.tflite", "--card")
    assert convert(*words, "--calibration", "unit.npz", "--labels", LABELS) == 0
    capfd.readouterr()
    (folder / "ranged.tflite").rename(folder / "kept.tflite")
    assert convert(*words, "--calibration", "bytes.npz", "--like", "ranged.json") == 1
    line = capfd.readouterr().err.strip().splitlines()[-1]
    assert "calibration bytes.npz: " in line
    assert "of the values for input 'picture' lie outside 0…" in line
    assert not (folder / "ranged.tflite").exists()


@pytest.mark.parametrize("share", ["2", "many"])
def test_a_share_is_checked_by_the_parser(convert, share: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        convert("residual.keras", "--to", "float32", "--min-agreement", share)
    assert f"invalid share value: '{share}'" in capfd.readouterr().err


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for the worker in /proc")
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_is_left_when_the_command_is_ended(folder: Path, sign: signal.Signals) -> None:
    program = "import sys; from edge import cli; cli.COMMANDS = ('convert',); sys.exit(cli.main())"
    command = subprocess.Popen(
        [sys.executable, "-c", program, "convert", str(folder / "residual.keras"), "--to", "float32"],
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
        text=True,
    )
    assert command.stderr is not None
    assert "loading TensorFlow" in command.stderr.readline()
    workers = children(command.pid)
    assert len(workers) == 1
    command.send_signal(sign)
    code = command.wait(timeout=30)
    command.stderr.close()
    assert code == (cli.INTERRUPTED if sign == signal.SIGINT else -sign)
    for _ in range(300):
        if not any(alive(pid) for pid in workers):
            return
        time.sleep(0.1)
    pytest.fail(f"the worker {workers} lives on")


def stat(pid: int) -> list[str]:
    """Fields of a process from its state on; empty if the process does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def alive(pid: int) -> bool:
    return stat(pid)[:1] not in ([], ["Z"])


def children(parent: int) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if stat(pid)[1:2] == [str(parent)]]
