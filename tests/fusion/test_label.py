"""When the reported label changes: quickly for a clear change, not for two labels that are nearly as probable."""

from __future__ import annotations

import math

import pytest
from support.fusion_numbers import parameters

from edge.emotions import COUNT, LABELS
from edge.fusion.evidence import Opinion
from edge.fusion.filter import EmotionFilter

ANGER, HAPPINESS = LABELS.index("anger"), LABELS.index("happiness")
EQUAL = (1 / COUNT,) * COUNT


def shown(**shares: float) -> dict[str, Opinion]:
    rest = (1 - sum(shares.values())) / (COUNT - len(shares))
    belief = tuple(shares.get(label, rest) for label in LABELS)
    return {"face": Opinion(belief=belief, quality=1.0, age=0.0, freshness=1.0, unreliable=0.0)}


def emotion() -> EmotionFilter:
    """A label follows a lead of more than 0.2 nats once its excess adds up to 0.2 nat seconds."""
    return EmotionFilter(parameters(), EQUAL)


def test_the_first_evidence_decides_at_once() -> None:
    found = emotion()
    assert found.combine({}, 0.0).label == "neutral"
    assert found.combine({}, 5.0).label == "neutral"
    assert found.combine(shown(anger=0.3), 5.2).label == "anger"  # type: ignore[arg-type]


@pytest.mark.parametrize(("ratio", "seconds"), [(20.0, 0.2), (3.0, 0.4), (1.6, 1.0)])
def test_a_change_is_reported_the_sooner_the_clearer_it_is(ratio: float, seconds: float) -> None:
    found = emotion()
    for tick in range(5):
        found.combine(shown(anger=0.6), tick / 5)  # type: ignore[arg-type]
    happiness = 0.6 * ratio / (1 + ratio)
    opinions = shown(happiness=happiness, anger=0.6 - happiness)
    labels = [found.combine(opinions, 1.0 + tick / 5).label for tick in range(20)]  # type: ignore[arg-type]
    # The excess over 0.2 nats adds up in steps of 0.2 s, of which the first ends at the time 1.0.
    expected = math.ceil(0.2 / (0.2 * (math.log(ratio) - 0.2)) - 1e-9)
    assert labels.index("happiness") == expected - 1
    assert labels.index("happiness") / 5 <= seconds
    assert set(labels[labels.index("happiness") :]) == {"happiness"}


def test_a_small_lead_changes_nothing_however_long_it_lasts() -> None:
    found = emotion()
    found.combine(shown(anger=0.5), 0.0)  # type: ignore[arg-type]
    opinions = shown(anger=0.4, happiness=0.4 * math.exp(0.19))
    assert {found.combine(opinions, tick / 5).label for tick in range(500)} == {"anger"}  # type: ignore[arg-type]


def test_what_led_once_starts_afresh_after_falling_behind_and_after_a_change() -> None:
    found = emotion()
    found.combine(shown(anger=0.6), 0.0)  # type: ignore[arg-type]
    for tick in range(1, 200):
        # Happiness leads in every third estimate and loses its lead in the next two.
        opinions = shown(happiness=0.5, anger=0.3) if tick % 3 == 0 else shown(anger=0.6)
        assert found.combine(opinions, tick / 5).label == "anger"  # type: ignore[arg-type]
    for number, label in enumerate(("happiness", "anger") * 2):
        start = 40.0 + number
        labels = [found.combine(shown(**{label: 0.8}), start + tick / 5).label for tick in range(3)]  # type: ignore[arg-type]
        assert labels[-1] == label


def test_a_gap_counts_as_half_a_second_and_time_running_back_as_none() -> None:
    opinions = shown(happiness=0.4, anger=0.4 / math.exp(0.5))  # 0.3 nats of excess: 0.67 s are needed
    found = emotion()
    found.combine(shown(anger=0.6), 100.0)  # type: ignore[arg-type]
    assert found.combine(opinions, 1000.0).label == "anger"  # type: ignore[arg-type]
    for now in (999.0, 998.0, 1000.0):
        assert found.combine(opinions, now).label == "anger"  # type: ignore[arg-type]
    assert found.combine(opinions, 1000.2).label == "happiness"  # type: ignore[arg-type]


def test_the_state_of_another_filter_is_copied_not_shared() -> None:
    first, second = emotion(), emotion()
    first.combine(shown(anger=0.6), 0.0)  # type: ignore[arg-type]
    second.take_over(first)
    assert second.label == "anger"
    second.combine(shown(happiness=0.9), 0.2)  # type: ignore[arg-type]
    assert (first.label, second.label) == ("anger", "happiness")
