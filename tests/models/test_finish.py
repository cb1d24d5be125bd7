"""The end of a training: the file, its card and the log say the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from converters.parity import Parity
from edge import shipped
from edge.errors import ConversionError
from edge.inference import card as cards
from edge.inference.card import Corpus, Score
from edge.inference.interpreter import open_model
from models.command import one_line_errors
from models.training import argument_parser, train_command
from models.training.finish import Calibration, Converted, Ending, int8, write

SMALL = shipped.model("face", "face_small").read_bytes()
FLOATING = shipped.model("face", "face_large").read_bytes()
"""Stands for the float form: another file that runs."""


def score(form: str, data: bytes, fitted: Calibration) -> list[Score]:
    accuracy = {SMALL: 0.6, FLOATING: 0.7}[data]
    ece = fitted.temperature / 100
    return [Score(model=form, protocol="p", n=7, accuracy=accuracy, macro_f1=0.5, uar=0.5, ece=ece, per_class={})]


def ending(**more: object) -> Ending:
    usual = {
        "name": "face-tiny",
        "task": "facial expression",
        "command": "python -m models.face.train --data DIR",
        "recipe": "none",
        "training": [Corpus(name="FER2013", terms="no open licence", rows=7)],
        "front_end": {"name": "grey48"},
        "input_meanings": ["a face"],
        "output_meanings": ["logits", "embedding"],
        "quantise": int8(()),
        "calibrate": lambda small: Calibration(1.23456 if small is SMALL else 9.0, {"all": 0.12345}),
        "score": score,
        "note": lambda form, data: [f"{form} has {len(data)} bytes"],
        "notes": ["the last note"],
    }
    return Ending(**(usual | more))  # type: ignore[arg-type]


def test_file_card_and_log_belong_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, run = tmp_path / "made" / "tiny.tflite", tmp_path / "run"
    parity = Parity(n=1200, max_error=1, mean_error=0.1, scale=1, agreement=0.975, divergence=0.00126, decisions=7)
    returned = write(Converted(SMALL, FLOATING, parity), ending(), out, run)
    _, card = open_model(out)
    assert card == returned
    assert card.file == "tiny.tflite"
    assert (card.temperature, card.thresholds) == (1.2346, {"all": 0.123})
    assert [(one.model, one.accuracy, round(one.ece, 6)) for one in card.scores] == [
        ("int8", 0.6, 0.012346),
        ("float32", 0.7, 0.012346),
    ]
    assert card.notes == (
        f"int8 has {len(SMALL)} bytes",
        f"float32 has {len(FLOATING)} bytes",
        "int8 against float32 on 1,200 held-out rows: 97.50% equal decisions, mean KL divergence 0.0013 nats",
        "the last note",
    )
    (row,) = map(json.loads, (run / "log.jsonl").read_text("utf-8").splitlines())
    assert row["finished"] == "face-tiny"
    assert row["sha256"] == cards.sha256(out.read_bytes()) == card.sha256
    assert row["accuracy"] == 0.6
    assert str(out) in capsys.readouterr().out


def test_a_net_without_scores_is_logged_by_its_first_note(tmp_path: Path) -> None:
    both = Converted(SMALL, FLOATING, None)
    write(both, ending(score=lambda *_: (), form="dynamic int8"), tmp_path / "tiny.tflite", tmp_path)
    write(both, ending(name="again"), tmp_path / "tiny.tflite", tmp_path)
    first, second = map(json.loads, (tmp_path / "log.jsonl").read_text("utf-8").splitlines())
    assert first["note"] == f"dynamic int8 has {len(SMALL)} bytes"
    assert second["finished"] == "again"


def test_the_command_names_what_makes_it_again() -> None:
    arguments = argument_parser("eyes.train", epochs=40).parse_args(["--seed", "7"])
    assert train_command("eyes.train", arguments) == "python -m models.eyes.train --data DIR --epochs 40 --seed 7"
    assert train_command("x", arguments, "", "--a 1").endswith("--seed 7 --a 1")
    assert arguments.runs == Path("runs/eyes")


def test_the_projects_own_errors_are_one_line_and_others_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    @one_line_errors
    def ours() -> int:
        raise ConversionError("cannot write x: it is a folder")

    @one_line_errors
    def others() -> int:
        raise KeyError("a mistake of the programmer")

    with pytest.raises(SystemExit, match=r"^error: cannot write x: it is a folder$"):
        ours()
    with pytest.raises(KeyError):
        others()
    assert one_line_errors(lambda: 3)() == 3
