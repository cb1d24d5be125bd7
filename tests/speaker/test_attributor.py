"""Whose voice it is: made-up mouths and sound in, persons out; and all that hostile input may do."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from support.talkers import QUIET, Utterance, events, heard, mouth

from edge.emotions import COUNT
from edge.observation import Attribution, Mouth, Observation, Perceived
from edge.speaker import model as speaker_model
from edge.speaker.attributor import Attributor
from edge.speaker.memory import MAX_PERSONS
from edge.speaker.model import SpeakerModel

EVEN = (1 / COUNT,) * COUNT
ONE, OTHER = Utterance(1.0, 2.8, seed=1), Utterance(1.0, 2.8, seed=2)


@pytest.fixture(scope="module")
def model() -> SpeakerModel:
    return speaker_model.load(speaker_model.path())


def told(model: SpeakerModel, mouths: dict[int, Utterance | None], voices: list[Utterance], until: float) -> Attributor:
    attributor = Attributor(model)
    for event in events(mouths, voices, until):
        if isinstance(event, Mouth):
            attributor.see(event)
        else:
            attributor.hear(event)
    return attributor


def voice(at: float, **options: object) -> Observation:
    return Observation("voice", at, EVEN, 0.5, **options)  # type: ignore[arg-type]


def test_the_one_whose_mouth_moves_with_the_sound_speaks(model: SpeakerModel) -> None:
    found = told(model, {3: None, 5: ONE, 9: OTHER}, [ONE], 3.0).speaker_at(2.5)
    assert (found.kind, found.person) == ("person", 5)
    assert 0.6 <= found.confidence <= 1.0


def test_the_same_mouths_with_the_other_voice_give_the_other_person(model: SpeakerModel) -> None:
    assert told(model, {3: None, 5: ONE, 9: OTHER}, [OTHER], 3.0).speaker_at(2.5).person == 9


def test_half_a_second_of_speech_is_enough_beside_still_faces(model: SpeakerModel) -> None:
    assert told(model, {1: ONE, 2: None}, [ONE], 1.6).speaker_at(1.1).person == 1


def test_a_voice_without_a_moving_mouth_comes_from_nobody_in_the_image(model: SpeakerModel) -> None:
    assert told(model, {1: None, 2: None}, [ONE], 3.0).speaker_at(2.5).kind == "off_screen"


def test_a_mouth_that_moves_to_another_rhythm_does_not_speak(model: SpeakerModel) -> None:
    assert told(model, {1: OTHER}, [ONE], 3.0).speaker_at(2.5).kind != "person"


def test_two_in_turn_are_told_apart_by_the_time(model: SpeakerModel) -> None:
    first, second = Utterance(1.0, 2.4, seed=5), Utterance(3.0, 4.4, seed=25)
    attributor = told(model, {1: first, 2: second}, [first, second], 4.8)
    assert [attributor.speaker_at(moment).person for moment in (1.8, 3.8)] == [1, 2]


def test_two_who_share_an_utterance_without_a_pause_are_not_merged_into_one(model: SpeakerModel) -> None:
    first, second = Utterance(1.0, 2.5, seed=1), Utterance(2.6, 4.1, seed=21)
    found = told(model, {1: first, 2: second}, [first, second], 4.6).speaker_at(4.0)
    assert found.kind == "unknown"


def test_silence_has_no_speaker(model: SpeakerModel) -> None:
    attributor = told(model, {1: ONE}, [], 3.0)
    assert attributor.speaker_at(2.0) == Attribution("unknown")


def test_sound_that_is_no_speech_has_no_speaker(model: SpeakerModel) -> None:
    attributor = Attributor(model)
    for event in events({1: ONE}, [ONE], 3.0):
        if isinstance(event, Mouth):
            attributor.see(event)
        else:
            attributor.hear(replace(event, speech=0.0))
    assert attributor.speaker_at(2.5) == Attribution("unknown")


def test_without_a_face_it_cannot_be_decided(model: SpeakerModel) -> None:
    assert told(model, {}, [ONE], 3.0).speaker_at(2.5) == Attribution("unavailable")


def test_the_first_tenth_of_a_second_is_not_decided(model: SpeakerModel) -> None:
    assert told(model, {1: ONE, 2: None}, [ONE], 1.1).speaker_at(1.05).kind == "unknown"


def test_voices_keywords_and_late_transcripts_are_attributed_and_faces_are_not(model: SpeakerModel) -> None:
    attributor = told(model, {5: ONE, 9: None}, [ONE], 3.6)
    interim, late = voice(2.0, final=False), Observation("words", 4.5, EVEN, 0.5)
    face = Observation("face", 2.0, EVEN, 0.5, person=9)
    found = attributor.take(Perceived("voice", (interim, late, face))).observations
    assert [one.person for one in found] == [5, 5, 9]
    assert [one.attribution.kind if one.attribution else None for one in found] == ["person", "person", None]


def test_words_long_after_the_last_utterance_belong_to_nobody(model: SpeakerModel) -> None:
    attributor = told(model, {5: ONE}, [ONE], 3.6)
    (found,) = attributor.take(Perceived("words", (Observation("words", 7.5, EVEN, 0.5),))).observations
    assert (found.person, found.attribution) == (0, Attribution("unknown"))


def test_an_observation_that_has_a_person_keeps_it(model: SpeakerModel) -> None:
    attributor = told(model, {5: ONE}, [ONE], 3.0)
    given = Perceived("words", (Observation("words", 2.5, EVEN, 0.5, person=7),))
    assert attributor.take(given) is given


def test_mouths_and_sound_come_with_what_is_perceived(model: SpeakerModel) -> None:
    attributor = Attributor(model)
    for event in events({5: ONE, 9: None}, [ONE], 3.0):
        if isinstance(event, Mouth):
            attributor.take(Perceived("face", mouths=(event,)))
        else:
            attributor.take(Perceived("voice", sound=(event,)))
    (found,) = attributor.take(Perceived("voice", (voice(2.8),))).observations
    assert found.person == 5


def test_a_direction_decides_between_two_who_move_alike(model: SpeakerModel) -> None:
    def spoken(azimuth: float | None) -> Attribution:
        attributor = Attributor(model)
        for event in events({1: ONE, 2: ONE}, [ONE], 3.0):
            if isinstance(event, Mouth):
                attributor.see(replace(event, across=0.1 if event.person == 1 else 0.9))
            else:
                attributor.hear(replace(event, azimuth=azimuth))
        return attributor.speaker_at(2.5)

    assert [spoken(-26.0).person, spoken(26.0).person] == [1, 2]
    assert spoken(None).kind == "unknown"


def test_a_voice_from_behind_is_of_nobody_in_the_image(model: SpeakerModel) -> None:
    attributor = Attributor(model)
    for event in events({1: OTHER, 2: None}, [ONE], 3.0):
        if isinstance(event, Mouth):
            attributor.see(event)
        else:
            attributor.hear(replace(event, azimuth=170.0))
    assert attributor.speaker_at(2.5).kind == "off_screen"


def test_a_lower_probability_than_the_least_is_unknown_and_says_how_probable(model: SpeakerModel) -> None:
    strict = SpeakerModel(msgspec.structs.replace(model.parameters, least_person=1.0, least_off_screen=1.0))
    person = told(strict, {5: ONE}, [ONE], 3.0).speaker_at(2.5)
    nobody = told(strict, {5: None}, [ONE], 3.0).speaker_at(2.5)
    assert [person.kind, nobody.kind] == ["unknown", "unknown"]
    assert min(person.confidence, nobody.confidence) > 0.5


@pytest.mark.parametrize("fps", [10.0, 15.0, 30.0, 60.0])
def test_any_usual_frame_rate_will_do(model: SpeakerModel, fps: float) -> None:
    attributor = Attributor(model)
    for event in events({5: ONE, 9: OTHER}, [ONE], 3.0, fps=fps):
        (attributor.see if isinstance(event, Mouth) else attributor.hear)(event)  # type: ignore[arg-type]
    assert attributor.speaker_at(2.7).person in {0, 5} if fps < 15 else attributor.speaker_at(2.7).person == 5


def test_a_gain_of_twenty_decibels_changes_nothing(model: SpeakerModel) -> None:
    def found(gain: float) -> Attribution:
        attributor = Attributor(model)
        for event in events({5: ONE, 9: OTHER}, [ONE], 3.0):
            if isinstance(event, Mouth):
                attributor.see(event)
            else:
                attributor.hear(replace(event, level=event.level + gain, middle=event.middle + gain))
        return attributor.speaker_at(2.5)

    assert found(2.0).person == found(0.0).person == 5
    assert found(2.0).confidence == pytest.approx(found(0.0).confidence)


def test_values_that_are_not_finite_and_times_out_of_order_are_ignored(model: SpeakerModel) -> None:
    attributor = Attributor(model)
    for event in events({5: ONE, 9: None}, [ONE], 3.0):
        if isinstance(event, Mouth):
            attributor.see(event)
            attributor.see(replace(event, gap=math.nan))
            attributor.see(replace(event, captured_at=math.inf))
            attributor.see(replace(event, captured_at=event.captured_at - 0.5, gap=40.0))
            attributor.see(replace(event, scale=0.0))
        else:
            attributor.hear(event)
            attributor.hear(replace(event, level=math.inf))
            attributor.hear(replace(event, ends_at=math.nan))
            attributor.hear(replace(event, ends_at=event.ends_at - 1.0, level=0.0))
    assert attributor.speaker_at(2.5).person == 5


@pytest.mark.parametrize("level", [QUIET, 0.0, 5.0, -7.0])
def test_constant_sound_names_nobody(model: SpeakerModel, level: float) -> None:
    attributor = Attributor(model)
    for event in events({5: ONE}, [], 3.0):
        if isinstance(event, Mouth):
            attributor.see(event)
        else:
            attributor.hear(replace(event, level=level, middle=level, speech=1.0))
    assert attributor.speaker_at(2.5).kind != "person"


def test_ten_thousand_persons_are_survived_and_forgotten(model: SpeakerModel) -> None:
    attributor = told(model, {}, [ONE], 2.9)
    for person in range(1, 10_001):
        attributor.see(mouth(person, 2.0 + person / 10_000, 0.1))
    assert len(attributor._memory.mouths(-math.inf, math.inf)) == MAX_PERSONS
    assert attributor.speaker_at(2.5).kind == "unknown"


def test_a_film_that_begins_again_is_a_new_time(model: SpeakerModel) -> None:
    attributor = told(model, {5: OTHER}, [ONE], 3.0)
    for event in events({1: None}, [], 0.1):
        (attributor.see if isinstance(event, Mouth) else attributor.hear)(event)  # type: ignore[arg-type]
    for event in events({5: ONE, 9: None}, [ONE], 3.0):
        shift = 1000.0
        if isinstance(event, Mouth):
            attributor.see(replace(event, captured_at=event.captured_at + shift))
        else:
            attributor.hear(replace(event, ends_at=event.ends_at + shift))
    for event in events({5: ONE, 9: None}, [ONE], 3.0):
        (attributor.see if isinstance(event, Mouth) else attributor.hear)(event)  # type: ignore[arg-type]
    assert attributor.speaker_at(2.5).person == 5


def test_a_moment_that_is_not_finite_has_no_speaker(model: SpeakerModel) -> None:
    attributor = told(model, {5: ONE}, [ONE], 3.0)
    assert attributor.speaker_at(math.nan).kind in {"unknown", "unavailable"}
    assert attributor.speaker_at(math.inf).kind in {"unknown", "unavailable"}


def test_the_answer_does_not_depend_on_whether_sound_or_mouths_come_first(model: SpeakerModel) -> None:
    def found(late: type) -> Attribution:
        attributor = Attributor(model)
        for event in sorted(events({5: ONE, 9: None}, [ONE], 3.0), key=lambda one: isinstance(one, late)):
            (attributor.see if isinstance(event, Mouth) else attributor.hear)(event)  # type: ignore[arg-type]
        return attributor.speaker_at(2.5)

    assert found(Mouth) == found(type(heard(0.0, 0.0)))


def test_noise_of_the_landmarks_alone_is_no_speech(model: SpeakerModel) -> None:
    rng = np.random.default_rng(3)
    attributor = told(model, {}, [ONE], 3.0)
    for frame in range(75):
        attributor.see(mouth(4, frame / 25, float(rng.normal(0, 0.02))))
    assert attributor.speaker_at(2.5).kind == "off_screen"
