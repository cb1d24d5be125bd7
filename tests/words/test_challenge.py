"""The minimal pairs: well formed, balanced, and read by the shipped model no worse than recorded."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
import pytest

from edge import shipped
from edge.emotions import COUNT, LABELS
from edge.errors import ConfigError
from edge.inference import card as cards
from edge.words.text import clean
from models.words import challenge
from models.words.challenge import HEADER, NOTE, Pair, Tally

RECORDED = 84
"""Pairs that the shipped model has right. Raise it for a better model; a card with a lower score is refused."""
CLOSE_CALLS = 3
"""Number of pairs that may be decided differently on another processor because of rounding."""

CATEGORIES = {
    "negation",
    "double negation",
    "intensifier and diminisher",
    "emoji",
    "emoticon",
    "elongation",
    "upper case",
    "contrast",
    "hypothetical and past",
    "idiom",
    "short utterances",
}


@pytest.fixture(scope="module")
def pairs() -> tuple[Pair, ...]:
    return challenge.read()


@pytest.fixture(scope="module")
def measured(pairs: tuple[Pair, ...]) -> dict[str, Tally]:
    return challenge.score(pairs, challenge.posteriors(shipped.model("words", "words")))


def certain(label: str, probability: float = 0.94) -> tuple[float, ...]:
    rest = (1 - probability) / (COUNT - 1)
    return tuple(probability if one == label else rest for one in LABELS)


def test_there_are_enough_pairs_of_every_category(pairs: tuple[Pair, ...]) -> None:
    assert len(pairs) >= 200
    counts = Counter(pair.category for pair in pairs)
    assert set(counts) == CATEGORIES
    assert min(counts.values()) >= 15


def test_no_text_stands_twice_against_the_same_other(pairs: tuple[Pair, ...]) -> None:
    found = Counter(
        frozenset(text.casefold() for text in pair.texts) for pair in pairs if pair.category != "upper case"
    )
    assert [texts for texts, n in found.items() if n > 1] == []
    assert len({pair.texts for pair in pairs}) == len(pairs)


def test_both_sides_differ_little_and_are_expected_to_differ(pairs: tuple[Pair, ...]) -> None:
    for pair in pairs:
        first, second = (clean(text) for text in pair.texts)
        assert first != second
        assert pair.expected[0] != pair.expected[1]
        letters = SequenceMatcher(None, first.casefold(), second.casefold()).ratio()
        words = [Counter(re.findall(r"[\w']+", text.casefold())) for text in (first, second)]
        # Clauses that have changed places share their words, not the order of their letters.
        shared = (words[0] & words[1]).total() / min(words[0].total(), words[1].total())
        assert max(letters, shared) > 0.39, pair


def test_the_labels_are_balanced(pairs: tuple[Pair, ...]) -> None:
    sides = [label for pair in pairs for label in pair.expected]
    of_labels = Counter(side.split()[-1] for side in sides)
    assert set(of_labels) == set(LABELS)
    assert max(of_labels.values()) < 0.3 * len(sides)
    assert min(of_labels.values()) > 0.07 * len(sides)
    # A model that prefers either side, or always one label, gains nothing.
    intense = [pair for pair in pairs if pair.intense]
    assert len(intense) >= 50
    first = sum(pair.expected[0].startswith("more") for pair in intense)
    assert 0.4 < first / len(intense) < 0.6
    assert not any(pair.right(certain(label), certain(label)) for pair in pairs for label in LABELS)


def test_a_label_pair_is_right_when_both_texts_are() -> None:
    pair = Pair("negation", ("a", "b"), ("fear", "neutral"))
    assert pair.intense is None
    assert pair.right(certain("fear"), certain("neutral"))
    assert not pair.right(certain("fear"), certain("fear"))
    assert not pair.right(certain("neutral"), certain("fear"))


def test_an_intensity_pair_is_right_when_the_stronger_text_has_the_higher_probability() -> None:
    weak, strong = certain("fear", 0.4), certain("fear", 0.5)
    pair = Pair("elongation", ("a", "b"), ("less fear", "more fear"))
    assert pair.intense == "fear"
    assert pair.right(weak, strong)
    assert not pair.right(strong, weak)
    assert not pair.right(strong, strong)
    assert Pair("elongation", ("a", "b"), ("more fear", "less fear")).right(strong, weak)


def test_a_tally_counts_by_category() -> None:
    found = challenge.score(
        [
            Pair("emoji", ("happiness", "fear"), ("happiness", "fear")),
            Pair("emoji", ("happiness", "fear"), ("happiness", "anger")),
            Pair("idiom", ("happiness", "fear"), ("more happiness", "less happiness")),
        ],
        certain,
    )
    assert found == {
        "emoji": Tally(1, 2),
        "idiom": Tally(1, 1),
        "label pairs": Tally(1, 2),
        "intensity pairs": Tally(1, 1),
        "all": Tally(2, 3),
    }
    assert challenge.note(found).startswith(f"{NOTE}: 2/3 (66.7%); emoji 1/2")


@pytest.mark.parametrize(
    "line",
    [
        "emoji\tone\ttwo\tfear",
        "emoji\tone\t\tfear\tanger",
        "emoji\tone\ttwo\tfear\tjoy",
        "emoji\tone\ttwo\tmore fear\tless anger",
        "emoji\tone\ttwo\tmore fear\tmore fear",
        "emoji\tone\ttwo\tmore fear\tneutral",
        "emoji\tone\ttwo\tsome fear\tsome fear",
    ],
)
def test_a_faulty_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text(f"{HEADER}\nemoji\ta\tb\tfear\tanger\n{line}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"pairs\.tsv, line 3: "):
        challenge.read(path)


def test_an_invalid_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.tsv: No such file"):
        challenge.read(tmp_path / "none.tsv")
    (tmp_path / "other.tsv").write_text("a,b\n", "utf-8")
    with pytest.raises(ConfigError, match="header"):
        challenge.read(tmp_path / "other.tsv")


def test_the_shipped_model_is_not_below_what_was_recorded(measured: dict[str, Tally]) -> None:
    assert measured["all"].right >= RECORDED - CLOSE_CALLS, challenge.note(measured)


def test_a_model_that_answers_by_chance_is_below_what_was_recorded(pairs: tuple[Pair, ...]) -> None:
    rng = np.random.default_rng(0)
    guessed = challenge.score(pairs, lambda _: tuple(rng.dirichlet(np.ones(COUNT))))
    assert guessed["all"].right < RECORDED - CLOSE_CALLS


def test_the_card_states_the_score(measured: dict[str, Tally]) -> None:
    notes = [line for line in cards.read(cards.card_path(shipped.model("words", "words"))).notes if NOTE in line]
    assert len(notes) == 1, "python -m models.words.challenge --write-card"
    recorded = {name: (int(right), int(n)) for name, right, n in re.findall(r"([a-z ]+?):? (\d+)/(\d+)", notes[0])}
    total = recorded.pop(NOTE)
    assert total[1] == measured["all"].n
    assert abs(total[0] - measured["all"].right) <= CLOSE_CALLS
    assert total[0] >= RECORDED
    found = {name.strip(): counts for name, counts in recorded.items()}
    assert set(found) == {*CATEGORIES, "label pairs", "intensity pairs"}
    for name, (right, n) in found.items():
        assert n == measured[name].n
        assert abs(right - measured[name].right) <= CLOSE_CALLS


def test_the_command_measures_a_model_and_writes_its_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shipped_model = shipped.model("words", "words")
    model = tmp_path / shipped_model.name
    shutil.copy(shipped_model, model)
    before = cards.read(cards.card_path(shipped_model))
    cards.write(before, cards.card_path(model))
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"{HEADER}\nidiom\tI am so happy!\tI am so scared!\thappiness\tfear\n", "utf-8")
    for _ in range(2):
        assert challenge.main(["--json", "--model", str(model), "--pairs", str(pairs), "--write-card"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["all"] == shown["idiom"] == {"right": 1, "n": 1, "share": 1.0}
    _, after = cards.load(model)
    assert after.sha256 == before.sha256
    assert after.scores == before.scores
    assert [line for line in after.notes if NOTE in line] == [
        f"{NOTE}: 1/1 (100.0%); idiom 1/1, label pairs 1/1, intensity pairs 0/0"
    ]
    assert set(after.notes) > {line for line in before.notes if NOTE not in line}


def test_the_command_lists_what_was_read_wrongly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text(f"{HEADER}\nidiom\tI am so happy!\tI am so scared!\tfear\thappiness\n", "utf-8")
    assert challenge.main(["--pairs", str(pairs), "--wrong"]) == 0
    assert "I am so happy! (fear; happiness" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="error: model card"):
        challenge.main(["--model", str(tmp_path / "none.tflite")])
