"""`edge_emotion` in a clone: the modules of `edge` under the name that they have in a wheel."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("edge_emotion.words.recogniser", "edge.words.recogniser"),
        ("edge_emotion.observation", "edge.observation"),
        ("edge_emotion.converters.parity", "converters.parity"),
    ],
)
def test_both_names_are_one_module(alias: str, name: str) -> None:
    module = importlib.import_module(alias)
    assert module is importlib.import_module(name)
    assert module.__spec__ is not None
    assert module.__spec__.name == name


def test_a_module_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"edge_emotion\.nothing"):
        importlib.import_module("edge_emotion.nothing")


def test_the_command_runs_under_the_alias() -> None:
    command = [sys.executable, "-m", "edge_emotion.cli", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("edge-emotion ")
