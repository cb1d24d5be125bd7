"""The studies of words: texts as numbers, networks before and after conversion, dialogues with their context."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.words.study.vectors import LENGTH, SENTENCE_LENGTH, SENTENCES, UNKNOWN, Vocabulary, chance
from models.words.variation import varied

TEXTS = ["I am happy. Are you?", "I am not happy at all!", "you are so so so kind"]


def test_numbers_end_on_the_last_word() -> None:
    vocabulary = Vocabulary.of(TEXTS)
    assert set(vocabulary.words) == {"i", "am", "happy", "are", "you", "so"}
    row = vocabulary.number(["i", "am", "glad"])
    assert row.shape == (LENGTH,)
    assert row[-3:].tolist() == [vocabulary.numbers["i"], vocabulary.numbers["am"], UNKNOWN]
    assert not row[:-3].any()
    assert vocabulary.number(["i"] * 100 + ["am"])[-1] == vocabulary.numbers["am"]
    assert chance(vocabulary, 1).shape == (vocabulary.size, 50)


def test_sentences_are_cut_where_they_end() -> None:
    vocabulary = Vocabulary.of(TEXTS)
    table = vocabulary.sentences(["I am happy. Are you?", "", "i " * 96])
    assert table.shape == (3, SENTENCES, SENTENCE_LENGTH)
    assert (table[0].max(1) > 0).tolist() == [False, False, True, True]
    assert not table[1].any()
    assert (table[2] > 0).all()


@pytest.mark.parametrize("name", ["Conv1D", "attention, global", "attention, self", "attention, hierarchical"])
def test_each_net_decides_the_same_after_conversion(name: str) -> None:
    pytest.importorskip("tensorflow")
    from support.keras_models import convert_here

    from edge.inference.interpreter import Interpreter
    from models.words.study.nets import NETS

    vocabulary = Vocabulary.of(TEXTS, least=1)
    net = NETS[name](chance(vocabulary, 3) * 10)
    tables = vocabulary.sentences(TEXTS) if "hierarchical" in name else vocabulary.texts(TEXTS)
    expected = net.predict(tables, verbose=0)
    assert np.ptp(expected, axis=0).max() > 1e-3
    interpreter = Interpreter(convert_here(net, "float32"))
    found = np.stack([interpreter.run(row[None])[0][0] for row in tables])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_window_holds_the_preceding_utterances() -> None:
    pytest.importorskip("tensorflow")
    from models.words.study.meld import windows

    assert windows([["a", "b", "c"], ["d"]], 2, "") == [["", "a"], ["a", "b"], ["b", "c"], ["", "d"]]
    assert windows([["a", "b"]], 1, "") == [["a"], ["b"]]


def test_varied_texts_follow_from_the_seed() -> None:
    texts = ["i am happy to see you here today", "that is awful", "ok"] * 200
    once = list(varied(texts, 3))
    assert once == list(varied(texts, 3)) != list(varied(texts, 4))
    assert len(once) == len(texts)
    assert any("not" in text.split() or "never" in text.split() for text in once)


@pytest.mark.corpora
def test_dialogues_of_meld_are_in_order(corpora: Path) -> None:
    from models.words.corpora import meld, meld_dialogues

    dialogues = meld_dialogues(corpora, "test")
    assert sum(map(len, dialogues)) == 2610
    assert [row for dialogue in dialogues for row in dialogue] == list(meld(corpora, "test"))


def test_a_sign_determines_the_label_of_a_neutral_text() -> None:
    from models.words.emoji import SIGNS, signed

    rows = [("the bus is late", ("neutral",)), ("i am glad", ("happiness",)), ("both", ("anger", "fear"))] * 400
    found = list(signed(rows, 1))
    assert found == list(signed(rows, 1))
    assert 60 < len(found) < 180
    assert not any("both" in text for text, _ in found)
    for text, (label,) in found:
        assert any(text.endswith(sign) or text.startswith(sign) for sign in SIGNS[label])
        assert label == "happiness" or "glad" not in text
    assert {label for text, (label,) in found if "bus" in text} == set(SIGNS)


def test_a_teacher_gives_half_of_the_targets_and_all_of_those_of_varied_texts(tmp_path: Path) -> None:
    from edge.errors import ModelError
    from models.words import data

    own = data.Texts(data.table(TEXTS), np.eye(7, dtype=np.float32)[:3], np.ones(3, np.float32))
    logits = np.full((4, 7), -20.0, np.float16)
    logits[:, 6] = 0
    file = tmp_path / "teacher.npz"
    np.savez(file, texts=np.array([*TEXTS, "varied"]), logits=logits, own=3)
    found = data.taught(own, file)
    assert len(found) == 4
    assert found.targets[0, 0] == pytest.approx(0.5)
    assert found.targets[:, 6] == pytest.approx([0.25, 0.25, 0.25, 0.5])
    assert found.weights.tolist() == [1, 1, 1, data.VARIED_WEIGHT]
    with pytest.raises(ModelError, match="made of 3 texts, not of these 2"):
        data.taught(own.rows(np.arange(2)), file)
