"""The online trust: a sense that keeps contradicting two others loses it, and regains it when it agrees."""

from __future__ import annotations

import math

import pytest
from support.fusion_numbers import parameters

from edge.emotions import COUNT
from edge.fusion.evidence import Opinion
from edge.fusion.filter import EmotionFilter
from edge.fusion.trust import Trust
from edge.observation import SENSES, Sense


def opinion(label: int, p: float = 0.9, age: float = 0.0) -> Opinion:
    belief = [(1 - p) / (COUNT - 1)] * COUNT
    belief[label] = p
    return Opinion(belief=tuple(belief), quality=1.0, age=age, freshness=1.0, unreliable=0.05)


def played(found: EmotionFilter, labels: dict[Sense, int], start: float, stop: float) -> dict[Sense, float]:
    """The trust after estimates every 0.2 s in which each sense is sure of its label."""
    for tick in range(round(start * 5), round(stop * 5) + 1):
        fused = found.combine({sense: opinion(label) for sense, label in labels.items()}, tick / 5)
    return dict(fused.trust)


def test_the_sense_that_contradicts_two_others_loses_trust_and_regains_it() -> None:
    found = EmotionFilter(parameters())
    trust = played(found, {"face": 0, "voice": 0, "words": 3}, 0.0, 60.0)
    assert trust["words"] == pytest.approx(0.1), "the lowest trust"
    assert trust["face"] == trust["voice"] == 1.0
    regained = played(found, {"face": 0, "voice": 0, "words": 0}, 60.2, 120.0)
    assert regained["words"] == 1.0
    again = played(found, {"face": 3, "voice": 0, "words": 0}, 120.2, 180.0)
    assert again["face"] == pytest.approx(0.1), "another sense, a second time"


def test_two_senses_that_contradict_each_other_are_both_trusted() -> None:
    found = EmotionFilter(parameters())
    assert played(found, {"face": 0, "voice": 3}, 0.0, 60.0) == {"face": 1.0, "voice": 1.0}


def test_three_senses_that_all_contradict_each_other_are_all_trusted() -> None:
    found = EmotionFilter(parameters())
    trust = played(found, {"face": 0, "voice": 3, "words": 5}, 0.0, 60.0)
    assert min(trust.values()) > 0.9


def test_an_old_observation_is_counted_once() -> None:
    trust = Trust(parameters().trust)
    for tick in range(1000):
        trust.update(SENSES, [5.0, 5.0, 0.1], [0.0, 0.0, tick / 5], tick / 5)
    # An integral of exp(-age / 10 s) / 10 s over all time is 1: the log-likelihood ratio of one observation, less what
    # the recovery has taken back.
    assert -math.log(trust.of(["words"])[0]) <= -math.log(0.1) + 1e-9
    assert -math.log(trust.of(["words"])[0]) < 1.2


def test_time_that_stands_still_or_runs_back_changes_no_trust() -> None:
    trust = Trust(parameters().trust)
    trust.update(SENSES, [5.0, 5.0, 0.1], [0.0] * 3, 10.0)
    trust.update(SENSES, [5.0, 5.0, 0.1], [0.0] * 3, 11.0)
    before = trust.of(SENSES)
    assert before[2] < 1.0
    for now in (11.0, 5.0, -3.0):
        trust.update(SENSES, [5.0, 5.0, 0.1], [0.0] * 3, now)
    assert trust.of(SENSES) == before
    trust.update(SENSES, [5.0, 5.0, 0.1], [0.0] * 3, 12.0)
    assert trust.of(SENSES)[2] < before[2]


def test_a_long_gap_counts_as_one_second() -> None:
    one, long = Trust(parameters().trust), Trust(parameters().trust)
    for trust, gap in ((one, 1.0), (long, 1000.0)):
        trust.update(SENSES, [5.0, 5.0, 0.1], [0.0] * 3, 0.0)
        trust.update(SENSES, [5.0, 5.0, 0.1], [0.0] * 3, gap)
    assert long.of(SENSES) == pytest.approx(one.of(SENSES))
