"""The shipped models: their cards, the commands that measure and train them, and their messages without corpora."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge import shipped
from edge.emotions import LABELS
from edge.inference import card as cards
from edge.inference.interpreter import open_model

MODELS = {"face": ("face", "face_small"), "voice": ("voice", "voice"), "words": ("words", "words")}
LIMITS = {
    ("face", "face_small"): 300_000,
    ("face", "face_large"): 1_300_000,
    ("landmarks", "landmarks68"): 400_000,
    ("eyes", "eyes"): 100_000,
    ("voice", "voice"): 150_000,
    ("words", "words"): 1_000_000,
}
"""Bytes."""


@pytest.mark.parametrize("where", LIMITS, ids=lambda where: where[1])
def test_every_shipped_model_matches_its_card(where: tuple[str, str]) -> None:
    path = shipped.model(*where)
    interpreter, card = open_model(path)
    assert card.bytes == path.stat().st_size <= LIMITS[where]
    assert card.training
    assert card.train_command.startswith(f"python -m models.{where[0]}.train")
    if where in MODELS.values():
        assert card.labels == LABELS
        assert {score.model for score in card.scores} >= {"float32"}
    assert [tensor.shape for tensor in card.inputs] == [tensor.shape for tensor in interpreter.inputs]
    for score in card.scores:
        assert 0 < score.accuracy < 1
        assert 0 <= score.ece < 1
        assert sum(row["n"] for row in score.per_class.values()) >= score.n


@pytest.mark.parametrize("where", [where for where in LIMITS if where[0] != "words"], ids=lambda where: where[1])
def test_image_like_models_are_int8_throughout(where: tuple[str, str]) -> None:
    interpreter, _ = open_model(shipped.model(*where))
    assert {tensor.dtype for tensor in (*interpreter.inputs, *interpreter.outputs)} == {"int8"}


def test_the_cards_meet_the_requirements() -> None:
    """Whether the files keep the promise is measured in `test_shipped_scores`."""
    scores = {name: cards.read(cards.card_path(shipped.model(*where))).scores[0] for name, where in MODELS.items()}
    assert scores["face"].accuracy >= 0.70
    assert scores["face"].macro_f1 >= 0.68
    assert scores["face"].ece <= 0.03
    large = cards.read(cards.card_path(shipped.model("face", "face_large"))).scores[0]
    assert large.accuracy >= 0.70
    assert scores["voice"].uar >= 0.45
    assert scores["words"].macro_f1 >= 0.45


@pytest.mark.corpora
@pytest.mark.parametrize(
    "name", ["words", pytest.param("face", marks=pytest.mark.slow), pytest.param("voice", marks=pytest.mark.slow)]
)
def test_the_command_reproduces_the_scores_of_the_card(name: str, corpora: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"models.{name}.evaluate", "--data", str(corpora), "--json"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    card = cards.read(cards.card_path(shipped.model(*MODELS[name])))
    said = {score.protocol: score for score in card.scores if score.model in ("int8", "dynamic int8")}
    every = [json.loads(line) for line in done.stdout.splitlines()]
    # The program may measure other sizes too, and repeat what the card says of the float form.
    rows = [row for row in every if row["bytes"] == card.bytes and "float32" not in row["model"]]
    assert {row["protocol"] for row in rows} == set(said)
    for row in rows:
        assert row["n"] == said[row["protocol"]].n
        for key in ("accuracy", "macro_f1", "uar", "ece"):
            # Another processor may round an int8 product another way, and tip a few rows.
            assert row[key] == pytest.approx(getattr(said[row["protocol"]], key), abs=0.01), (row["protocol"], key)


@pytest.mark.parametrize("name", MODELS)
def test_evaluate_without_corpora_names_the_remedy(name: str, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "EMOTION_DATA"}
    for options, said in (((), "give --data DIR or set EMOTION_DATA"), (("--data", str(tmp_path)), "is not there")):
        done = subprocess.run(
            [sys.executable, "-m", f"models.{name}.evaluate", *options],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=environment,
        )
        assert done.returncode == 1
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.corpora
@pytest.mark.parametrize("name", [*MODELS, "landmarks", "eyes"])
@pytest.mark.timeout(600)
def test_the_whole_recipe_runs(name: str, corpora: Path, tmp_path: Path) -> None:
    out = tmp_path / f"{name}.tflite"
    command = [sys.executable, "-m", f"models.{name}.train"]
    command += ["--from-scratch"] if name in ("face", "landmarks") else []
    done = subprocess.run(
        [*command, "--data", str(corpora), "--quick", "--runs", str(tmp_path / "runs"), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    open_model(out)
    card = cards.read(cards.card_path(out))
    logs = [json.loads(line) for log in (tmp_path / "runs").rglob("log.jsonl") for line in log.read_text().splitlines()]
    finished = {row["finished"]: row["sha256"] for row in logs if "finished" in row}
    assert finished[card.name] == card.sha256
    assert any("epoch" in row for row in logs)
    if "--from-scratch" in command:
        assert "--from-scratch" in card.train_command
        assert "random weights" in card.recipe
        assert not any("VGGFace2" in corpus.name for corpus in card.training)
