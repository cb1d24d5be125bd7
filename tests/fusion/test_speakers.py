"""Names of speakers are assigned to persons, bounded, and forgotten with them."""

from __future__ import annotations

import pytest

from edge.emotions import UNIFORM
from edge.errors import EdgeEmotionError
from edge.fusion.speakers import MAX_NAME, MAX_SPEAKERS, SpeakerError, Speakers
from edge.observation import Observation, Perceived


def said(speaker: str | None, person: int = 0) -> Observation:
    return Observation("words", 1.0, UNIFORM, 0.5, person=person, speaker=speaker)


def persons(speakers: Speakers, *observations: Observation) -> list[int]:
    return [one.person for one in speakers.resolve(Perceived("words", observations, "why")).observations]


def test_words_of_a_known_speaker_get_the_person() -> None:
    speakers = Speakers()
    speakers.assign("Anna", 3, {3, 4})
    assert persons(speakers, said("Anna"), said("Bert"), said(None)) == [3, 0, 0]
    speakers.assign("Anna", 4, {3, 4})
    assert persons(speakers, said("Anna")) == [4]
    resolved = speakers.resolve(Perceived("words", (said("Anna"),), "why"))
    assert (resolved.condition, resolved.observations[0].quality) == ("why", 0.5)


def test_a_person_that_is_known_already_stays() -> None:
    speakers = Speakers()
    speakers.assign("Anna", 3, {3})
    assert persons(speakers, said("Anna", person=7)) == [7]


def test_names_are_forgotten_with_the_person_or_on_request() -> None:
    speakers = Speakers()
    for name, person in (("Anna", 3), ("Ann", 3), ("Bert", 4)):
        speakers.assign(name, person, {3, 4})
    speakers.forget(3)
    assert persons(speakers, said("Anna"), said("Ann"), said("Bert")) == [0, 0, 4]
    speakers.assign("Bert", None, {4})
    assert persons(speakers, said("Bert")) == [0]
    speakers.assign("nobody", None, ())


@pytest.mark.parametrize("name", ["", "x" * (MAX_NAME + 1)])
def test_a_name_has_a_bounded_length(name: str) -> None:
    speakers = Speakers()
    with pytest.raises(SpeakerError, match=f"1 to {MAX_NAME}"):
        speakers.assign(name, 3, {3})
    speakers.assign("x" * MAX_NAME, 3, {3})
    assert issubclass(SpeakerError, EdgeEmotionError)


def test_a_person_who_is_not_there_gets_no_name_and_takes_none_away() -> None:
    speakers = Speakers()
    speakers.assign("Anna", 3, {3})
    with pytest.raises(SpeakerError, match="no person 4"):
        speakers.assign("Anna", 4, {3})
    assert persons(speakers, said("Anna")) == [3]


def test_the_number_of_names_is_bounded_and_the_oldest_assignment_goes() -> None:
    speakers = Speakers()
    for number in range(MAX_SPEAKERS):
        speakers.assign(f"name {number}", 3, {3})
    speakers.assign("name 0", 3, {3})
    speakers.assign("one more", 3, {3})
    assert persons(speakers, said("name 0"), said("name 1"), said("name 2"), said("one more")) == [3, 0, 3, 3]
