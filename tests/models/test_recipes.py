"""`models/RECIPES.md`: its commands exist, stand in an order that can be run, and are those that the cards name."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path

import pytest

from edge import shipped
from edge.inference import card as cards

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "models/RECIPES.md"
SHIPPED = {
    "face_large": "face",
    "face_small": "face",
    "landmarks68": "landmarks",
    "eyes": "eyes",
    "voice": "voice",
    "words": "words",
}
SHARED_OPTIONS = ("models/training/options.py", "models/corpora.py")
PUBLISHED = {"published_fer.keras", "published_human.keras"}
"""Files that `models.face.training.published` writes to `.cache/`."""


def commands() -> dict[str, list[list[str]]]:
    """The words of each command, by the section that it stands in."""
    sections: dict[str, list[list[str]]] = {}
    section, inside = "", False
    for line in RECIPES.read_text("utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("```"):
            inside = line == "```sh"
        elif inside and line.startswith("python -m "):
            sections.setdefault(section, []).append(shlex.split(line))
    return sections


def without_places(words: list[str]) -> list[str]:
    """A command as a card names it: files without their folders, and not where its results go."""
    kept = iter(words)
    found = []
    for word in kept:
        if word in ("--runs", "--out"):
            next(kept)
        else:
            found.append(Path(word).name if word.endswith((".keras", ".tflite", ".npz")) else word)
    return found


def test_every_shipped_file_has_a_section() -> None:
    assert set(commands()) == set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_the_command_of_a_card_is_a_step_and_does_not_need_its_own_file(name: str) -> None:
    card = cards.read(cards.card_path(shipped.model(SHIPPED[name], name)))
    command = shlex.split(card.train_command)
    assert command in [without_places(step) for step in commands()[name]]
    assert card.file not in command
    (note,) = [note for note in card.notes if note.startswith("models/RECIPES.md makes this file again")]
    assert "-11-2" in note, "the note says when which part was run"


def test_every_step_is_a_program_with_these_options() -> None:
    shared = "".join((ROOT / file).read_text("utf-8") for file in SHARED_OPTIONS)
    steps = [step for section in commands().values() for step in section]
    assert len(steps) >= 12
    for _, _, module, *words in steps:
        spec = importlib.util.find_spec(module)
        assert spec is not None, module
        assert spec.origin is not None
        source = Path(spec.origin).read_text("utf-8")
        assert '__name__ == "__main__"' in source, module
        for option in (word for word in words if word.startswith("--")):
            assert f'"{option}"' in source + shared, (module, option)


def test_what_a_step_reads_was_made_by_an_earlier_one() -> None:
    made: set[str] = set()
    read = 0
    for section in commands().values():
        for _, _, module, *words in section:
            out = words[words.index("--out") + 1] if "--out" in words else ""
            for word in words:
                if word.endswith((".keras", ".tflite", ".npz")) and word != out:
                    assert Path(word).name in made, (module, word)
                    read += 1
            made |= {Path(out).name} if out else set()
            made |= PUBLISHED if module == "models.face.training.published" else set()
    assert read >= 8
