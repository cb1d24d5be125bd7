"""The evidence from one sense's recent observations, against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.emotions import COUNT
from edge.fusion.evidence import STALE_AFTER, Evidence
from edge.fusion.pool import PRIOR, SteadyPosterior, log_pool
from edge.observation import Observation

MEMORY = 2.0
FIRST = (0.7, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05)
SECOND = (0.04, 0.1, 0.16, 0.2, 0.3, 0.15, 0.05)


def seen(at: float, posterior: tuple[float, ...] = FIRST, quality: float = 1.0) -> Observation:
    return Observation("voice", at, posterior, quality)


def evidence(*observations: Observation) -> Evidence:
    found = Evidence(MEMORY)
    for observation in observations:
        found.add(observation)
    return found


def test_without_observations_there_is_no_evidence() -> None:
    empty = Evidence(MEMORY)
    assert empty.opinion(0.0) is None
    assert not empty.ever


def test_one_observation_is_its_own_opinion() -> None:
    opinion = evidence(seen(10.0, quality=0.6)).opinion(10.0)
    assert opinion is not None
    assert opinion.posterior == pytest.approx(FIRST)
    assert sum(opinion.posterior) == pytest.approx(1.0)
    assert (opinion.quality, opinion.age, opinion.freshness) == pytest.approx((0.6, 0.0, 1.0))


@pytest.mark.parametrize("age", [0.5, 1.0, 5.9])
def test_it_grows_old(age: float) -> None:
    opinion = evidence(seen(10.0)).opinion(10.0 + age)
    assert opinion is not None
    assert opinion.age == pytest.approx(age)
    assert opinion.freshness == pytest.approx(math.exp(-age / MEMORY))
    assert opinion.posterior == pytest.approx(FIRST)


def test_it_is_stale_after_three_memories_and_not_before() -> None:
    once = evidence(seen(0.0))
    assert once.opinion(STALE_AFTER * MEMORY) is not None
    assert once.opinion(STALE_AFTER * MEMORY + 1e-6) is None
    assert once.ever


def test_two_observations_weigh_by_quality_and_age() -> None:
    opinion = evidence(seen(0.0, FIRST, 0.8), seen(1.0, SECOND, 0.4)).opinion(1.5)
    assert opinion is not None
    fade = math.exp(-1.0 / MEMORY)
    old, new = fade * 0.8, 0.4
    mean = (old * np.log(FIRST) + new * np.log(SECOND)) / (old + new)
    expected = np.exp(mean) / np.exp(mean).sum()
    assert opinion.posterior == pytest.approx(tuple(expected))
    assert opinion.quality == pytest.approx((fade * 0.8 + 0.4) / (fade + 1))
    assert opinion.age == pytest.approx(0.5)


def test_one_of_them_may_be_late() -> None:
    opinion = evidence(seen(5.0, FIRST, 0.8), seen(4.0, SECOND, 0.4)).opinion(5.0)
    assert opinion is not None
    share = math.exp(-1.0 / MEMORY)
    mean = (0.8 * np.log(FIRST) + share * 0.4 * np.log(SECOND)) / (0.8 + share * 0.4)
    assert opinion.posterior == pytest.approx(tuple(np.exp(mean) / np.exp(mean).sum()))
    assert opinion.quality == pytest.approx((0.8 + share * 0.4) / (1 + share))
    assert opinion.age == 0.0, "the newest is the one that was captured last, not the one that came last"


def test_no_label_is_ruled_out() -> None:
    """A probability below 1 % counts as 1 %, before the posterior is normalised."""
    sure = (1.0, *[0.0] * (COUNT - 1))
    opinion = evidence(seen(0.0, sure)).opinion(0.0)
    assert opinion is not None
    assert opinion.posterior == pytest.approx((1 / 1.06, *[0.01 / 1.06] * 6))


def test_a_worthless_observation_leaves_a_trace_and_gives_way_to_a_good_one() -> None:
    opinion = evidence(seen(0.0, FIRST, 0.0)).opinion(0.0)
    assert opinion is not None
    assert opinion.posterior == pytest.approx(FIRST)
    assert opinion.quality == 0.0
    both = evidence(seen(0.0, FIRST, 0.0), seen(0.0, SECOND, 1.0)).opinion(0.0)
    assert both is not None
    mean = (1e-3 * np.log(FIRST) + np.log(SECOND)) / 1.001
    assert both.posterior == pytest.approx(tuple(np.exp(mean) / np.exp(mean).sum()))


def test_clear_forgets_everything() -> None:
    found = evidence(seen(0.0, FIRST, 0.3))
    found.clear()
    assert found.opinion(0.0) is None
    assert not found.ever
    found.add(seen(7.0, SECOND, 0.9))
    opinion = found.opinion(7.0)
    assert opinion is not None
    assert opinion.posterior == pytest.approx(SECOND)
    assert opinion.quality == pytest.approx(0.9)


def test_the_prior_is_mostly_neutral() -> None:
    assert np.exp(PRIOR) == pytest.approx([0.12, 0.12, 0.12, 0.12, 0.28, 0.12, 0.12])
    assert log_pool({}, {}) == pytest.approx(PRIOR)


def test_the_posterior_moves_with_its_time_constant() -> None:
    steady = SteadyPosterior(smoothing_s=0.5, margin=0.05)
    target = np.log(np.asarray(FIRST))
    assert steady.follow(target, 100.0) == pytest.approx(np.exp(PRIOR)), "the first estimate has no time to move in"
    moved = steady.follow(target, 100.25)
    share = 1 - math.exp(-0.5)
    log = PRIOR + share * (target - PRIOR)
    assert moved == pytest.approx(np.exp(log) / np.exp(log).sum())
    assert steady.follow(target, 200.0) == pytest.approx(FIRST)
    assert steady.label == "anger"


def test_a_new_person_begins_with_the_prior_and_without_a_jump_in_time() -> None:
    before, after = SteadyPosterior(0.5, 0.05), SteadyPosterior(0.5, 0.05)
    before.follow(np.log(np.asarray(FIRST)), 10.0)
    before.follow(np.log(np.asarray(FIRST)), 20.0)
    after.restart(before)
    assert after.label == "neutral"
    log = PRIOR + (1 - math.exp(-0.2 / 0.5)) * (np.log(SECOND) - PRIOR)
    assert after.follow(np.log(np.asarray(SECOND)), 20.2) == pytest.approx(np.exp(log) / np.exp(log).sum())


def test_a_pool_of_any_size_gives_probabilities() -> None:
    steady = SteadyPosterior(1e-3, 0.05)
    steady.follow(np.full(COUNT, 5000.0), 0.0)
    found = steady.follow(np.array([5000.0, *[0.0] * (COUNT - 1)]), 10.0)
    assert found == pytest.approx([1.0, *[0.0] * (COUNT - 1)])
