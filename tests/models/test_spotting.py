"""Thresholds of spoken phrases: set on one half of the sound, never looser than one false alarm an hour."""

from __future__ import annotations

import math
import shutil
import tomllib

import pytest

from edge.words import keywords
from models.words import spotting
from models.words.phrases import CANDIDATES
from models.words.spotting import Scores, threshold


def test_the_threshold_lies_between_false_alarms_and_positive_clips() -> None:
    scores = Scores(positives=[-10.0, -8.0, -6.0, -5.0], negatives=[(-20.0, "talk"), (-30.0, "talk")])
    mark = threshold(scores, hours=0.9)
    assert mark is not None
    assert -19.5 <= mark <= -10


def test_an_alarm_an_hour_is_allowed_and_no_more() -> None:
    scores = Scores(positives=[-10.0] * 4, negatives=[(-5.0, "talk"), (-20.0, "talk")])
    assert threshold(scores, hours=0.9) is None  # the single false alarm scores higher than all positive clips
    allowed = threshold(scores, hours=1.1)
    assert allowed is not None
    assert -20 < allowed <= -10


def test_a_phrase_with_low_recall_has_no_threshold() -> None:
    assert threshold(Scores(positives=[-5.0, -60.0, -60.0], negatives=[(-20.0, "talk")]), hours=0.5) is None
    assert threshold(Scores(positives=[-math.inf] * 4), hours=0.5) is None


def test_speakers_stay_in_one_half() -> None:
    names = [f"{i:08x}" for i in range(200)]
    assert {spotting.half(name) for name in names} == {0, 1}
    assert not set(spotting.VOICES[0]) & set(spotting.VOICES[1])


def test_the_file_it_writes_is_one_of_keywords() -> None:
    kept = {phrase: -12.3 for phrase, *_ in CANDIDATES}
    found = tomllib.loads(spotting.toml(kept))["keyword"]
    assert [entry["phrase"] for entry in found] == [phrase for phrase, *_ in CANDIDATES]
    assert {entry["threshold"] for entry in found} == {5.0e-13}
    assert {entry.get("intent") for entry in found} >= {None, "help", "stop"}


def test_the_score_of_a_detection_is_the_threshold_that_still_finds_it() -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed (extra `keywords`)")
    pytest.importorskip("soundfile")
    if shutil.which("flite") is None:
        pytest.skip("no flite here (apt-get install flite)")
    sound = spotting.say("wonderful", "slt", 1.0)
    (score,) = sorted(spotting.Listener(["wonderful"]).hear(sound)["wonderful"])[-1:]

    def found(exponent: float) -> bool:
        keyword = keywords.Keyword(phrase="wonderful", threshold=10.0**exponent, emotions={})
        listener = spotting.Listener.__new__(spotting.Listener)
        listener._decoder = keywords._open_decoder((keyword,), None)
        listener._unit = 1.0
        return bool(listener.hear(sound))

    assert found(score - 0.2)
    assert not found(score + 0.2)
