"""The words sense: tokens, features, quality, and the shipped model on plain sentences."""

from __future__ import annotations

import numpy as np
import pytest

from edge.config import Words
from edge.emotions import top
from edge.errors import ModelError
from edge.observation import Observation, Transcript
from edge.words.coverage import common_words, coverage
from edge.words.features import FIRST, LENGTH, UNKNOWN, front_end, ids, number, vocabulary
from edge.words.sense import WordsSense
from edge.words.text import clean, says_something, tokens


@pytest.fixture(scope="module")
def sense() -> WordsSense:
    return WordsSense(Words())


def read(sense: WordsSense, text: str, confidence: float = 1.0) -> Observation:
    observation = sense.read(Transcript(text, 1.5, confidence=confidence))
    assert observation is not None
    return observation


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I'm so HAPPY!!!", ["i'm", "so", "<shout>", "happy", "!!!"]),
        ("it’s sooooo good", ["it's", "soo", "<long>", "good"]),
        ("NO WAY!!", ["<shout>", "no", "way", "!!"]),
        ("hi :) bye :-( <3", ["hi", ":)", "bye", ":-(", "<3"]),
        ("great 😂", ["great", "😂"]),
        ("<b>wow</b> &amp; see https://example.org/x?y", ["wow", "&", "see"]),
        ("1 &lt; 2 &amp;amp; 3", ["<number>", "<", "<number>", "&", "amp", ";", "<number>"]),
        ("&lt;b&gt;wow&lt;/b&gt;", ["wow"]),
        ("[NAME] paid 5.30 ...", ["[name]", "paid", "<number>", ".."]),
        ("caf\u0065\u0301", ["café"]),
        ("", []),
        (" \x00\x07\u200b ", []),
        ("a\ud800b", ["ab"]),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("token", "stem"),
    [
        ("dogs", "dog"),  # an ending of one letter leaves three
        ("its", None),  # two letters are too short a stem
        ("walking", "walk"),
        ("xxing", None),
    ],
)
def test_an_unknown_word_is_read_as_its_stem_of_three_letters_or_more(
    token: str, stem: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {"dog": 7, "it": 8, "walk": 9, "xx": 10}
    monkeypatch.setattr("edge.words.features.vocabulary", lambda: known)
    assert number(token) == (UNKNOWN if stem is None else known[stem])


def test_a_huge_text_is_bounded() -> None:
    assert len(clean("word " * 100_000)) <= 2000
    assert len(tokens("<" * 200_000)) <= 2000


def test_ids_are_the_same_for_ever() -> None:
    # The shipped model was trained with these numbers; another vocabulary would make its output meaningless.
    row = ids(tokens("I am happy"))
    assert row.dtype == np.int32
    assert row.shape == (LENGTH,)
    assert row[-3:].tolist() == [vocabulary()[word] for word in ("i", "am", "happy")] == [6279, 436, 5821]
    assert not row[:-3].any()
    assert front_end()["crc32"] == 1078285338


def test_a_word_that_is_not_known_is_the_one_it_comes_from_or_unknown() -> None:
    assert "happyness" not in vocabulary()
    assert ids(["happyness"])[-1] == ids(["happy"])[-1] >= FIRST
    assert ids(["zxqvwk"])[-1] == UNKNOWN
    assert not ids([]).any()


def test_of_a_long_text_the_end_is_kept() -> None:
    row = ids(["happy"] * 50 + ["sad"] * (LENGTH - 1))
    assert row[0] == vocabulary()["happy"]
    assert set(row[1:].tolist()) == {vocabulary()["sad"]}


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I am so happy to see you!", "happiness"),
        ("This is wonderful, thank you", "happiness"),
        ("I am so sad that you must leave", "sadness"),
        ("I hate you, you idiot!", "anger"),
        ("I am terrified, I'm so scared", "fear"),
        ("That is disgusting and gross", "disgust"),
        ("Wow, I did not expect that, what a surprise", "surprise"),
        ("The train leaves at five.", "neutral"),
    ],
)
def test_plain_sentences_are_read_as_anyone_would(sense: WordsSense, text: str, label: str) -> None:
    observation = read(sense, text)
    assert top(observation.posterior) == label
    assert sum(observation.posterior) == pytest.approx(1)
    assert observation.captured_at == 1.5


def test_an_uncertain_text_has_a_low_quality(sense: WordsSense) -> None:
    sentence = read(sense, "I am so happy to see you").quality
    assert sentence > 0.7
    assert read(sense, "okay").quality < 0.4
    assert read(sense, "Ich bin so traurig, dass du schon gehen musst").quality < 0.2
    assert read(sense, "je suis tellement content de te voir aujourd'hui").quality < 0.2
    assert read(sense, "I am so happy to see you", confidence=0.3).quality == pytest.approx(0.3 * sentence)


@pytest.mark.parametrize("text", ["—", "“”", "¿?", "\u200d", "\ufe0f", "\u0301", "...", "?!", "5", "[NAME]"])
def test_marks_alone_have_no_weight(sense: WordsSense, text: str) -> None:
    observation = sense.read(Transcript(text, 0.0))
    assert observation is None or observation.quality == 0


def test_emoji_and_emoticons_have_the_weight_of_words(sense: WordsSense) -> None:
    assert read(sense, ":)").quality == read(sense, "😂").quality == read(sense, "okay").quality > 0
    # A coloured heart has an invisible variation selector, which does not count as a second word.
    assert read(sense, "\u2764\ufe0f").quality == read(sense, "\u2764").quality
    found = tokens("“Hi”, [NAME]: 2 ❤️ :-( …")
    assert [token for token in found if says_something(token)] == ["hi", "❤", ":-("]


def test_a_text_without_words_gives_no_observation(sense: WordsSense) -> None:
    for text in ("", "   ", "\x00\x01", "<p></p>"):
        assert sense.read(Transcript(text, 0.0)) is None


@pytest.mark.parametrize("text", ["x" * 100_000, "\ud800\udfff ok", "<script>" * 5000, "😂" * 5000, "a\n\n\nb", "%s{}"])
def test_strange_texts_are_survived(sense: WordsSense, text: str) -> None:
    observation = sense.read(Transcript(text, 0.0))
    assert observation is None or sum(observation.posterior) == pytest.approx(1)


def test_the_text_itself_goes_nowhere(sense: WordsSense) -> None:
    assert "secret" not in repr(read(sense, "my secret makes me happy"))


def test_coverage_knows_english() -> None:
    assert len(common_words()) == 1000
    assert coverage(tokens("this is what I think about it")) == 1.0
    assert coverage(tokens("zxqv wkrp flurb")) == 0.0
    assert coverage(["😂"]) == 1.0


def test_a_model_of_another_task_is_refused() -> None:
    from edge import shipped

    with pytest.raises(ModelError, match="multilabel"):
        WordsSense(Words(model=str(shipped.model("face", "face_small"))))


def test_a_rare_emoji_counts_as_a_common_one_that_means_the_same() -> None:
    assert ids(tokens("fine 😠"))[-1] == ids(tokens("fine 😡"))[-1] != UNKNOWN
    assert ids(tokens("fine 🙁"))[-1] == ids(tokens("fine ☹"))[-1] != UNKNOWN
