"""Made training sentences of negation and contrast, and training that goes on from an earlier words model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.emotions import COUNT, LABELS
from edge.errors import ModelError
from edge.words.scope import NEGATED, OVERRIDDEN, marks
from edge.words.text import tokens
from models.words import challenge, contrast, lexicon, negation


def best(target: lexicon.Target) -> str:
    return max(target, key=lambda label: target[label])


def test_the_challenge_shares_no_denied_word_and_no_sentence_with_the_made_ones() -> None:
    pairs = challenge.read()
    theirs = {token for pair in pairs if pair.category == "negation" for text in pair.texts for token in tokens(text)}
    assert not theirs & {word for kind in lexicon.KINDS for word in kind.words}
    sentences = {" ".join(token for token in tokens(text) if token[0].isalpha()) for p in pairs for text in p.texts}
    made = {" ".join(t for t in tokens(text) if t[0].isalpha()) for text, _ in negation.framed(24, 2013)}
    assert not sentences & made


def test_each_word_is_said_plainly_and_denied() -> None:
    made = list(negation.framed(3, 1))
    assert made == list(negation.framed(3, 1)) != list(negation.framed(3, 2))
    assert len(made) == 6 * sum(len(kind.words) for kind in lexicon.KINDS)
    kinds = [kind for kind in lexicon.KINDS for _ in kind.words for _ in range(3)]
    for kind, (plain, said), (denial, denied) in zip(kinds, made[::2], made[1::2], strict=True):
        assert best(said) == kind.label
        assert best(denied) != kind.label
        for text, negated in ((plain, False), (denial, True)):
            found = tokens(text)
            (word,) = (at for at, token in enumerate(found) if token in kind.words)
            assert bool(marks(found)[word] & NEGATED) is negated, text


def test_real_sentences_are_denied_where_they_say_what_they_are_labelled() -> None:
    rows = [
        ("I am so thrilled today", ("happiness",)),
        ("I am so thrilled today", ("sadness",)),
        ("I am so thrilled today", ("happiness", "surprise")),
        ("I am not thrilled today", ("happiness",)),
        ("Thrilled to be here", ("happiness",)),
        ("It was a long day and everyone at work said that I am thrilled", ("happiness",)),
    ]
    ((text, target),) = negation.denied(rows)
    assert text == "i am not so thrilled today"
    assert best(target) == "sadness"


def test_of_two_joined_clauses_the_one_that_prevails_is_the_label() -> None:
    rows = [(f"We felt such {label} again today", (label,)) for label in LABELS]
    rows += [("Unclear words came again today", ("anger",)), ("Come", ("fear",))]
    posterior = np.eye(COUNT)[[*range(COUNT), 0, LABELS.index("fear")]]
    posterior[COUNT] = 1 / COUNT
    made = list(contrast.joined(rows, posterior, 80, 3))
    assert len(made) == 80
    for text, target in made:
        found = tokens(text)
        yields = [token for token, mark in zip(found, marks(found), strict=True) if mark & OVERRIDDEN]
        assert best(target) in found
        assert best(target) not in yields
        # Without its comma, "yet" may mean time, and marks nothing.
        assert "yet" in found or min(target, key=lambda label: target[label]) in yields
        assert "unclear" not in found


def test_training_goes_on_from_the_shipped_file(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    from edge import shipped
    from edge.inference.interpreter import Interpreter
    from models.words import architecture, data, start

    ids = data.table(["I am glad but not really sad", "not bad at all", "although it rained we danced"])
    net = architecture.build("Conv1D", None)
    start.load(net, shipped.model("words", "words"), ids)
    interpreter = Interpreter(shipped.model("words", "words").read_bytes())
    expected = np.stack([interpreter.run(row[None])[0][0] for row in ids])
    np.testing.assert_allclose(net.predict(ids, verbose=0), expected, atol=0.15)
    earlier = [np.zeros_like(weight) for weight in net.get_weights()]
    before = net.get_weights()
    start.average(net, earlier)
    for name, old, new in zip([w.path for w in net.weights], before, net.get_weights(), strict=True):
        share = 1.0 if name.startswith(("negated", "overridden")) else 0.5
        np.testing.assert_allclose(new, share * old)
    with pytest.raises(ModelError, match="--start"):
        start.load(net, tmp_path / "absent.tflite", ids)
    with pytest.raises(ModelError, match="layers"):
        start.load(architecture.build("attention, self", None), shipped.model("words", "words"), ids)
