"""The voice's baseline: means per speaker, bounded, deaf to bad sound, afresh for a new voice."""

from __future__ import annotations

import numpy as np
import pytest

from edge.voice.baseline import LEAST_QUALITY, MOST_PERSONS, MOST_STRANGERS, MOST_UTTERANCES, Baselines, trust
from edge.voice.voiceprint import SAME, SIZE, SPREAD, distance

LOW = np.zeros(SIZE, np.float32)
HIGH = LOW + 3 * SPREAD


def test_two_voiceprints_are_apart_by_their_spread() -> None:
    assert distance(LOW, LOW) == 0
    assert distance(LOW, HIGH) == pytest.approx(3)
    assert distance(LOW, HIGH) > SAME


def test_a_stranger_has_no_baseline_and_a_known_person_the_mean() -> None:
    known = Baselines(2)
    for value in (1.0, 3.0):
        known.learn("ada", None, np.array([value, -value], np.float32), 1.0)
    mean, share = known.of("ada", None)
    assert mean.tolist() == [[2, -2]]
    assert share.tolist() == [[pytest.approx(trust(2))]]
    for person, mark in (("bob", None), (None, None), (None, LOW)):
        mean, share = known.of(person, mark)
        assert not mean.any()
        assert not share.any()


def test_without_a_name_a_voice_of_like_pitch_and_timbre_is_the_same_and_another_starts_afresh() -> None:
    known = Baselines(1)
    known.learn(None, LOW, np.array([1.0], np.float32), 1.0)
    known.learn(None, LOW + SPREAD, np.array([2.0], np.float32), 1.0)
    assert known.of(None, LOW)[0].item() == 1.5
    assert known.of(None, HIGH + SPREAD)[1].item() == 0
    known.learn(None, HIGH + SPREAD, np.array([9.0], np.float32), 1.0)
    assert known.of(None, LOW)[0].item() == 1.5  # the first voice comes back to what it had
    assert known.of(None, HIGH + SPREAD)[0].item() == 9
    known.learn(None, None, np.array([50.0], np.float32), 1.0)  # a whisper tells nobody's voice
    assert known.of(None, LOW)[0].item() == 1.5


def test_bad_sound_teaches_nothing_and_neither_does_anything_when_switched_off() -> None:
    known, off = Baselines(1), Baselines(1, enabled=False)
    known.learn("ada", None, np.array([1.0], np.float32), LEAST_QUALITY - 0.01)
    known.learn("ada", None, np.array([np.nan], np.float32), 1.0)
    off.learn("ada", None, np.array([1.0], np.float32), 1.0)
    assert known.of("ada", None)[1].item() == off.of("ada", None)[1].item() == 0


def test_it_is_bounded_in_persons_voices_and_utterances() -> None:
    known = Baselines(1)
    for number in range(MOST_PERSONS + 1):
        known.learn(str(number), None, np.ones(1, np.float32), 1.0)
    assert known.of("0", None)[1].item() == 0
    assert known.of("1", None)[1].item() > 0
    for number in range(MOST_STRANGERS + 1):
        known.learn(None, LOW + 5 * number * SPREAD, np.ones(1, np.float32), 1.0)
    assert known.of(None, LOW)[1].item() == 0
    assert known.of(None, LOW + 5 * SPREAD)[1].item() > 0
    for _ in range(10 * MOST_UTTERANCES):
        known.learn("1", None, np.full(1, 7.0, np.float32), 1.0)
    mean, share = known.of("1", None)
    assert mean.item() == pytest.approx(7, abs=0.01)
    assert share.item() == pytest.approx(trust(MOST_UTTERANCES))
    known.forget("1")
    assert known.of("1", None)[1].item() == 0


def test_what_was_given_does_not_change_afterwards() -> None:
    known = Baselines(1)
    known.learn("ada", None, np.ones(1, np.float32), 1.0)
    mean, _ = known.of("ada", None)
    known.learn("ada", None, np.full(1, 5.0, np.float32), 1.0)
    assert mean.item() == 1
