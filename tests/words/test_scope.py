"""Scope of negation and contrast: which words are negated, and which are overridden."""

from __future__ import annotations

import pytest

from edge.words.features import FIRST, ids, size, vocabulary
from edge.words.scope import MARKS, NEGATED, OVERRIDDEN, marks
from edge.words.text import tokens


def marked(text: str, mark: int) -> list[str]:
    """The words of a text that bear a mark."""
    found = tokens(text)
    return [token for token, value in zip(found, marks(found), strict=True) if value & mark]


@pytest.mark.parametrize(
    ("text", "negated"),
    [
        ("the room is tidy", ""),
        ("we are not keen", "keen"),
        ("it isn't really very tidy", "really very tidy"),
        ("it isnt tidy", "tidy"),
        ("they never smile", "smile"),
        ("a day without rain", "rain"),
        ("nobody laughed", "laughed"),
        ("he is no longer keen", "longer keen"),
        ("anything but tidy", "tidy"),
        ("far from tidy", "tidy"),
        ("i don't think he is keen", "think he is keen"),
        ("i don't think it's tidy", "think it's tidy"),
        # The scope ends with the clause, at a mark or a conjunction, or where another subject begins.
        ("not tidy, messy", "tidy"),
        ("not tidy but clean", "tidy"),
        ("we are not keen because it rains", "keen"),
        ("not keen and i am tired", "keen"),
        ("not keen and eager", "keen and eager"),
        ("not cold just wet", "cold"),
        ("it isn't a game it's work", "a game"),
        # A second negation reverses; colloquial double negatives do not.
        ("i don't think it isn't tidy", "think it"),
        ("it isn't without charm", ""),
        ("ain't got no luck", "got luck"),
    ],
)
def test_the_scope_of_a_negation(text: str, negated: str) -> None:
    assert marked(text, NEGATED) == negated.split()


@pytest.mark.parametrize(
    "text",
    [
        "isn't it lovely?",
        "well, wasn't that a treat!",
        "i can't wait to start",
        "no problem, come in",
        "she is not only clever",
        "i couldn't be happier",
        "never been so proud",
        "nothing but luck",
        "no, that is lovely",
        "no it works",
        "oh no he fell",
        "i can't believe how well it went",
    ],
)
def test_expressions_that_only_look_like_negations_negate_nothing(text: str) -> None:
    assert marked(text, NEGATED) == []


def test_a_scope_is_at_most_nine_words() -> None:
    assert len(marked("not " + "word " * 20, NEGATED)) == 9


@pytest.mark.parametrize(
    ("text", "overridden"),
    [
        ("it rained, but we danced", "it rained"),
        ("it rained but we danced", "it rained"),
        ("It rained. But we danced.", "it rained"),
        ("Yes. It rained. However, we danced.", "it rained"),
        ("it rained, yet we danced", "it rained"),
        ("although it rained, we danced", "it rained"),
        ("although it rained a lot we danced", "it rained a lot"),
        ("even though it rained, we danced", "it rained"),
        ("we danced, though it rained", "it rained"),
        ("we danced although it rained.", "it rained"),
        ("we have not danced yet", ""),
        ("nothing but rain", ""),
        ("everyone but me danced", ""),
        ("not only warm but also dry", ""),
        ("warm but not dry", ""),
        ("but", ""),
    ],
)
def test_the_clause_that_a_contrast_overrides(text: str, overridden: str) -> None:
    assert marked(text, OVERRIDDEN) == overridden.split()


def test_both_marks_add_up_and_only_words_bear_them() -> None:
    assert marks(tokens("not warm 😀, but dry")) == [OVERRIDDEN, NEGATED + OVERRIDDEN, 0, 0, 0, 0]
    assert marks([]) == []


def test_an_id_is_that_of_the_word_and_its_mark() -> None:
    known = vocabulary()
    assert size() == FIRST + len(known)
    assert ids(tokens("not happy"))[-2:].tolist() == [known["not"], known["happy"] + size()]
    assert ids(tokens("happy but sad"))[-3:].tolist() == [known["happy"] + 2 * size(), known["but"], known["sad"]]
    # The cue may be among the words that are cut off.
    long = ["not", *["so"] * 8]
    assert ids([*["x"] * 30, *long])[-1] == known["so"] + size()
    assert ids(["not", *["happy"] * 9, *["so"] * 30])[0] < MARKS * size()
