"""Persons from the pictures to the estimates: the face sense names who is remembered, and the fusion follows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray
from support.brokers import eventually
from support.running_loop import CONFIG, Running

from edge import config
from edge.config import Config, Face, Voice, Words
from edge.face.sense import FaceSense
from edge.fusion.fusion import SCENE, Fusion
from edge.fusion.speakers import SpeakerError
from edge.health import catalogue
from edge.observation import Frame, Transcript
from edge.runtime import senses
from edge.runtime.feeds import Inputs
from edge.sources.fake import FakeCamera


@pytest.fixture(scope="module")
def loaded() -> senses.Senses:
    return senses.build(CONFIG)


def test_a_person_lives_as_long_as_the_tracker_remembers(portrait: NDArray[np.uint8]) -> None:
    seeing = senses.Senses(FaceSense(config.Face(detector="haar")), None, None, {"voice": "off", "words": "off"})
    fusion = Fusion(config.Fusion(), seeing.emotion_cards)
    empty = np.zeros_like(portrait)
    for tick in range(20):
        seen = seeing.see(Frame(portrait, tick * 0.1))
        fusion.take(seen, tick * 0.1)
    assert seen.live == frozenset({1})
    first = fusion.estimates(2.0)[0]
    assert (first.person, first.label) == (1, "happiness")
    hidden = seeing.see(Frame(empty, 3.0))
    fusion.take(hidden, 3.0)
    assert (hidden.observations, hidden.live) == ((), frozenset({1}))
    assert [one.person for one in fusion.estimates(3.0)] == [1, SCENE]
    fusion.take(seeing.see(Frame(portrait, 4.0)), 4.0)
    assert fusion.history(1)[0].since == 2.0
    gone = seeing.see(Frame(empty, 20.0))
    fusion.take(gone, 20.0)
    assert gone.live == frozenset()
    assert [one.person for one in fusion.estimates(20.0)] == [SCENE]
    # A picture of another size has no positions in common with the ones before it.
    fusion.take(seeing.see(Frame(portrait, 21.0)), 21.0)
    fusion.take(seeing.see(Frame(empty[: len(empty) // 2], 21.1)), 21.1)
    assert [one.person for one in fusion.estimates(21.1)] == [SCENE]


def test_each_emotion_model_has_its_card_and_the_speaker_of_words_is_kept(loaded: senses.Senses) -> None:
    cards = loaded.emotion_cards
    assert [cards[sense].labels for sense in ("face", "voice", "words")] == [cards["face"].labels] * 3
    assert len({card.sha256 for card in cards.values()}) == 3
    assert loaded.face is not None
    assert cards["face"] == loaded.face.expression.card
    assert senses.Senses(None, None, loaded.words, {}).emotion_cards == {"words": cards["words"]}
    for speaker in ("Anna", None):
        (said,) = loaded.read(Transcript("I am so happy", 1.0, speaker=speaker)).observations
        assert said.speaker == speaker


def test_in_the_loop_a_named_speaker_s_words_are_the_person_s(
    loaded: senses.Senses, portrait: NDArray[np.uint8]
) -> None:
    with Running(loaded, Inputs(camera=lambda: FakeCamera(itertools.repeat(portrait), fps=15))) as running:
        running.until(lambda: running.recorder.estimates and running.recorder.estimates[-1].person, "somebody is seen")
        person = running.recorder.estimates[-1].person
        running.live.name_speaker("Anna", person)
        with pytest.raises(SpeakerError):
            running.live.name_speaker("Anna", person + 1)
        now = running.recorder.estimates[-1].captured_at
        for speaker in ("Anna", "Bert"):
            running.live.take_transcript(Transcript("I am so sad", now, speaker=speaker))
        running.until(lambda: sum(one.sense == "words" for one in running.recorder.observations) == 2, "both are read")
    said = {one.speaker: one.person for one in running.recorder.observations if one.sense == "words"}
    assert said == {"Anna": person, "Bert": 0}


def test_the_loop_leaves_out_what_comes_from_the_future(loaded: senses.Senses) -> None:
    quiet = Config(face=Face(enabled=False), voice=Voice(enabled=False), words=Words(keywords=False))
    with Running(loaded, Inputs(), quiet) as running:
        running.until(lambda: running.recorder.estimates, "it runs")
        now = running.recorder.estimates[-1].captured_at
        running.live.take_transcript(Transcript("I am so sad", now + 3600.0))
        eventually(lambda: running.registry.count(catalogue.FUSION_FUTURE_DROPPED) == 1, "it is counted")
        running.live.take_transcript(Transcript("I am so happy", now))
        running.until(lambda: running.recorder.missing("words") is None, "the next one counts")
    assert running.recorder.estimates[-1].label == "happiness"
