"""Observations that cannot be right are counted and survived, and nothing grows without bound."""

from __future__ import annotations

import gc
import math
from typing import Any

import pytest
from support.fusion_numbers import parameters

from edge import config
from edge.emotions import COUNT, LABELS, UNIFORM
from edge.fusion.fusion import FORGET_AFTER_S, MAX_AHEAD_S, MAX_PERSON_ID, MAX_PERSONS, SCENE, Fusion
from edge.fusion.person import Person
from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.observation import Attribution, Estimate, Observation, Perceived


def posterior(label: str, p: float = 0.8) -> tuple[float, ...]:
    return tuple(p if name == label else (1 - p) / (COUNT - 1) for name in LABELS)


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def fusion(registry: Registry) -> Fusion:
    return Fusion(config.Fusion(), registry=registry, numbers=parameters())


def face(at: float, person: int, label: str = "happiness") -> Observation:
    return Observation("face", at, posterior(label), 0.9, person)


def frame(at: float, *persons: int, live: frozenset[int] | None = None) -> Perceived:
    seen = tuple(face(at, person) for person in persons)
    return Perceived("face", seen, attended=persons[0], live=frozenset(persons) if live is None else live)


def forced(**fields: Any) -> Observation:
    """An observation whose own checks have been bypassed, as a faulty extension can."""
    observation = Observation("face", 1.0, UNIFORM, 0.5, 1)
    for name, value in fields.items():
        object.__setattr__(observation, name, value)
    return observation


def same(one: tuple[Estimate, ...], other: tuple[Estimate, ...]) -> bool:
    return [each.posterior for each in one] == [each.posterior for each in other]


IMPOSSIBLE: dict[str, dict[str, Any]] = {
    "NaN": {"posterior": (math.nan,) * COUNT},
    "infinite": {"posterior": (math.inf, *(0.0,) * 6)},
    "zero": {"posterior": (0.0,) * COUNT},
    "negative": {"posterior": (-0.5, 1.5, *(0.0,) * 5)},
    "too short": {"posterior": (0.5, 0.5)},
    "too long": {"posterior": (*UNIFORM, 0.0)},
    "empty": {"posterior": ()},
    "does not add up to 1": {"posterior": (0.5,) * COUNT},
    "quality NaN": {"quality": math.nan},
    "quality above 1": {"quality": 1.01},
    "quality below 0": {"quality": -0.01},
    "time NaN": {"captured_at": math.nan},
    "time infinite": {"captured_at": math.inf},
    "time minus infinite": {"captured_at": -math.inf},
    "person below 0": {"person": -1},
    "person too large": {"person": MAX_PERSON_ID + 1},
}


@pytest.mark.parametrize("fields", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_observation_is_counted_and_changes_nothing(
    fusion: Fusion, registry: Registry, fields: dict[str, Any]
) -> None:
    fusion.take(frame(1.0, 1), 1.0)
    before = fusion.estimates(1.1)
    fusion.take(Perceived("face", (forced(**fields),), live=frozenset({1})), 1.1)
    assert same(fusion.estimates(1.1), before)
    assert registry.count(catalogue.FUSION_OBSERVATIONS_REFUSED) == 1


@pytest.mark.parametrize(
    "fields", [value for value in IMPOSSIBLE.values() if "person" not in value], ids=lambda fields: str(fields)[:40]
)
def test_an_impossible_observation_cannot_be_made(fields: dict[str, Any]) -> None:
    given = {"captured_at": 1.0, "posterior": UNIFORM, "quality": 0.5, **fields}
    with pytest.raises(ValueError, match=r"posterior|quality|finite time"):
        Observation("face", **given)


@pytest.mark.parametrize("total", [0.985, 1.015])
def test_a_posterior_may_be_off_by_rounding_only(total: float) -> None:
    Observation("face", 1.0, tuple(0.995 / COUNT for _ in range(COUNT)), 0.5)
    with pytest.raises(ValueError, match="add up to 1"):
        Observation("face", 1.0, tuple(total / COUNT for _ in range(COUNT)), 0.5)


def test_the_rest_of_a_frame_is_used(fusion: Fusion, registry: Registry) -> None:
    seen = (forced(person=1, posterior=(math.nan,) * 7), face(1.0, 2))
    fusion.take(Perceived("face", seen, attended=2, live=frozenset({1, 2})), 1.0)
    first = fusion.estimates(1.0)[0]
    assert (first.person, first.label) == (2, "happiness")
    assert registry.count(catalogue.FUSION_OBSERVATIONS_REFUSED) == 1


def test_an_observation_from_the_future_is_left_out_and_poisons_nothing(fusion: Fusion, registry: Registry) -> None:
    fusion.take(frame(1.0, 1), 1.0)
    before = fusion.estimates(1.0)
    for ahead in (MAX_AHEAD_S + 0.01, 3600.0, 1e18):
        fusion.take(Perceived("face", (face(1.0 + ahead, 1, "anger"),), live=frozenset({1})), 1.0)
    assert same(fusion.estimates(1.0), before)
    assert registry.count(catalogue.FUSION_FUTURE_DROPPED) == 3
    # What comes after it still counts.
    for tick in range(20):
        fusion.take(Perceived("face", (face(1.1 + tick / 10, 1, "anger"),), live=frozenset({1})), 1.1 + tick / 10)
    assert fusion.estimates(3.0)[0].label == "anger"
    # A clock that is slightly ahead is none of that.
    fusion.take(Perceived("face", (face(3.0 + MAX_AHEAD_S, 1, "anger"),), live=frozenset({1})), 3.0)
    assert registry.count(catalogue.FUSION_FUTURE_DROPPED) == 3
    assert fusion.estimates(3.0)[0].ages == (0.0, 0.0)


def test_observations_out_of_order_are_counted_and_count_less(fusion: Fusion, registry: Registry) -> None:
    ordered = Fusion(config.Fusion(), numbers=parameters())
    for at, label in ((1.0, "anger"), (2.0, "happiness")):
        ordered.take(Perceived("face", (face(at, 1, label),), attended=1), 2.0)
    for at, label in ((2.0, "happiness"), (1.0, "anger")):
        fusion.take(Perceived("face", (face(at, 1, label),), attended=1), 2.0)
    assert registry.count(catalogue.FUSION_OUT_OF_ORDER) == 1
    assert fusion.estimates(2.0)[0].posterior == pytest.approx(ordered.estimates(2.0)[0].posterior)
    fusion.take(Perceived("voice", (Observation("voice", 0.0, posterior("fear"), 0.9),)), 2.0)
    assert registry.count(catalogue.FUSION_OUT_OF_ORDER) == 1, "the order is that of one sense and person"


def test_a_face_that_the_tracker_does_not_know_is_left_out(fusion: Fusion, registry: Registry) -> None:
    fusion.take(frame(1.0, 1, 99, live=frozenset({1})), 1.0)
    assert [one.person for one in fusion.estimates(1.0)] == [1, SCENE]
    assert registry.count(catalogue.FUSION_UNKNOWN_PERSONS) == 1


@pytest.mark.parametrize("sense", ["voice", "words"])
def test_a_voice_of_a_person_never_seen_goes_to_the_scene(fusion: Fusion, registry: Registry, sense: Any) -> None:
    fusion.take(frame(1.0, 1), 1.0)
    unseen = Observation(sense, 1.0, posterior("anger"), 0.9, 99, attribution=Attribution("person", 99, 0.9))
    fusion.take(Perceived(sense, (unseen,)), 1.0)
    found = {one.person: one for one in fusion.estimates(1.0)}
    assert set(found) == {1, SCENE}
    assert found[SCENE].label == "anger"
    assert found[1].label == "happiness"
    assert registry.count(catalogue.FUSION_UNKNOWN_PERSONS) == 1


def test_of_two_faces_of_one_person_in_a_frame_the_first_counts(fusion: Fusion, registry: Registry) -> None:
    seen = (face(1.0, 1, "happiness"), face(1.0, 2, "fear"), *(face(1.0, 1, "anger") for _ in range(5)))
    fusion.take(Perceived("face", seen, attended=1, live=frozenset({1, 2})), 1.0)
    alone = Fusion(config.Fusion(), numbers=parameters())
    alone.take(Perceived("face", seen[:2], attended=1, live=frozenset({1, 2})), 1.0)
    assert same(fusion.estimates(1.0), alone.estimates(1.0))
    assert registry.count(catalogue.FUSION_DUPLICATES_DROPPED) == 5
    # In the next frame the person is seen again as usual.
    fusion.take(frame(1.1, 1, 2), 1.1)
    assert registry.count(catalogue.FUSION_DUPLICATES_DROPPED) == 5


def test_faces_without_a_track_are_no_duplicates(fusion: Fusion, registry: Registry) -> None:
    fusion.take(Perceived("face", tuple(face(1.0, 0) for _ in range(3))), 1.0)
    assert registry.count(catalogue.FUSION_DUPLICATES_DROPPED) == 0


def persons_in_memory() -> int:
    """Number of persons, scenes included, that the process holds."""
    gc.collect()
    return sum(isinstance(one, Person) for one in gc.get_objects())


def test_ten_thousand_persons_in_an_hour_leave_nothing_behind(fusion: Fusion, registry: Registry) -> None:
    """Each is seen for a moment, remembered for five seconds, and named, as in a busy hall."""
    hour, total = 3600.0, 10_000
    before = persons_in_memory() - 1
    for number in range(1, total):
        at = number * hour / total
        live = frozenset(range(max(1, number - 13), number + 1))
        fusion.take(Perceived("face", (face(at, number),), attended=number, live=live), at)
        fusion.name_speaker(f"speaker {number}", number)
        if number % 100 == 0:
            assert len(fusion.estimates(at)) == 15
    assert persons_in_memory() - before == 15
    assert len(fusion._speakers._persons) == 14
    assert len(fusion._named) <= 100
    assert registry.count(catalogue.FUSION_PERSONS_ERASED) == total - 1 - 14
    assert registry.count(catalogue.FUSION_PERSONS_DROPPED) == 0
    fusion.estimates(hour)
    assert [one.person for one in fusion.estimates(hour + FORGET_AFTER_S + 1.0)] == [SCENE]
    assert persons_in_memory() - before == 1


def test_a_tracker_that_forgets_nobody_is_bounded_too(fusion: Fusion, registry: Registry) -> None:
    for number in range(1, 1001):
        fusion.take(Perceived("face", (face(number * 0.1, number),), attended=1), number * 0.1)
        if number % 20 == 0:
            fusion.estimates(number * 0.1)
    estimates = fusion.estimates(100.0)
    assert estimates[0].person == 1
    assert len(estimates) <= MAX_PERSONS + 1
    erased = registry.count(catalogue.FUSION_PERSONS_ERASED) + registry.count(catalogue.FUSION_PERSONS_DROPPED)
    assert erased == 1000 - (len(estimates) - 1)


def test_the_counters_of_losses_are_reported_from_the_start(fusion: Fusion, registry: Registry) -> None:
    reported = registry.snapshot().counters
    losses: tuple[Counter, ...] = (
        catalogue.FUSION_OBSERVATIONS_REFUSED,
        catalogue.FUSION_FUTURE_DROPPED,
        catalogue.FUSION_DUPLICATES_DROPPED,
        catalogue.FUSION_UNKNOWN_PERSONS,
        catalogue.FUSION_PERSONS_DROPPED,
    )
    assert {counter.kind for counter in losses} == {"loss"}
    assert {reported[counter] for counter in losses} == {0}
