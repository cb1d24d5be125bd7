"""The evidence from one sense's recent observations, against values computed by hand."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest

from edge.emotions import COUNT, UNIFORM
from edge.fusion.evidence import FLOOR, Evidence, Likelihood, Opinion
from edge.fusion.parameters import Reliability, SenseNumbers
from edge.observation import Observation

FIRST = (0.7, 0.05, 0.05, 0.05, 0.05, 0.05, 0.05)
SECOND = (0.04, 0.1, 0.16, 0.2, 0.3, 0.15, 0.05)
IDENTITY = Reliability(
    model="any", sha256="0" * 64, prior=UNIFORM, matrix=tuple(map(tuple, np.eye(COUNT).tolist())), bias=(0.0,) * COUNT
)
NUMBERS = SenseNumbers(
    reliability=(IDENTITY,),
    unreliable=0.1,
    quality_exponent=1.0,
    memory_s=2.0,
    independence=0.0,
    stay_s=10.0,
    stale_s=6.0,
)


def seen(at: float, posterior: tuple[float, ...] = FIRST, quality: float = 1.0, *, final: bool = True) -> Observation:
    return Observation("voice", at, posterior, quality, final=final)


def evidence(*observations: Observation, **numbers: float) -> Evidence:
    found = Evidence(msgspec.structs.replace(NUMBERS, **numbers), IDENTITY)
    for observation in observations:
        found.add(observation)
    return found


def opinion_at(found: Evidence, now: float) -> Opinion:
    opinion = found.opinion(now)
    assert opinion is not None
    return opinion


def normal(log: object) -> tuple[float, ...]:
    """The probabilities that belong to seven logarithms."""
    values = np.exp(np.asarray(log))
    return tuple(values / values.sum())


def test_without_observations_there_is_no_evidence() -> None:
    empty = evidence()
    assert empty.opinion(0.0) is None
    assert not empty.ever


def test_one_good_observation_is_its_own_belief() -> None:
    opinion = opinion_at(evidence(seen(10.0)), 10.0)
    assert opinion.posterior == pytest.approx(FIRST)
    assert (opinion.quality, opinion.age, opinion.freshness, opinion.unreliable) == (1.0, 0.0, 1.0, 0.1)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_poor_quality_flattens_the_belief_by_its_exponent(exponent: float) -> None:
    opinion = opinion_at(evidence(seen(0.0, quality=0.36), quality_exponent=exponent), 0.0)
    assert opinion.posterior == pytest.approx(normal(0.36**exponent * np.log(FIRST)))
    assert opinion.quality == pytest.approx(0.36)


def test_an_old_belief_is_the_same_but_less_fresh_until_it_is_stale() -> None:
    once = evidence(seen(10.0))
    opinion = opinion_at(once, 13.0)
    assert (opinion.age, opinion.freshness) == pytest.approx((3.0, math.exp(-0.3)))
    assert opinion.posterior == pytest.approx(FIRST)
    assert once.opinion(16.0) is not None
    assert once.opinion(16.0 + 1e-6) is None
    assert once.ever
    once.add(seen(20.0, SECOND))
    assert once.opinion(20.0) is not None, "new evidence revives a stale sense"


def test_an_observation_from_the_future_has_no_age() -> None:
    opinion = opinion_at(evidence(seen(10.0)), 9.0)
    assert (opinion.age, opinion.freshness) == (0.0, 1.0)


def test_two_observations_weigh_by_quality_and_age() -> None:
    opinion = opinion_at(evidence(seen(0.0, FIRST, 0.8), seen(1.0, SECOND, 0.4)), 1.5)
    fade = math.exp(-1.0 / 2.0)
    old, new = fade * 0.8, 0.4
    mean = (old * np.log(FIRST) + new * np.log(SECOND)) / (old + new)
    quality = (fade * 0.8 + 0.4) / (fade + 1)
    assert opinion.quality == pytest.approx(quality)
    assert opinion.posterior == pytest.approx(normal(quality * mean))
    assert opinion.age == pytest.approx(0.5)


def test_a_late_observation_counts_less_and_leaves_the_age() -> None:
    opinion = opinion_at(evidence(seen(5.0, FIRST), seen(4.0, SECOND)), 5.0)
    share = math.exp(-1.0 / 2.0)
    mean = (np.log(FIRST) + share * np.log(SECOND)) / (1 + share)
    assert opinion.posterior == pytest.approx(normal(mean))
    assert opinion.age == 0.0


def test_the_order_of_arrival_does_not_matter() -> None:
    items = [seen(0.0, FIRST, 0.9), seen(0.7, SECOND, 0.5), seen(1.1, FIRST, 0.3), seen(2.0, SECOND, 0.6)]
    ordered = opinion_at(evidence(*items), 2.5)
    for order in ([3, 0, 2, 1], [2, 3, 1, 0], [1, 0, 3, 2]):
        mixed = opinion_at(evidence(*(items[i] for i in order)), 2.5)
        assert mixed.posterior == pytest.approx(ordered.posterior)
        assert (mixed.quality, mixed.age) == pytest.approx((ordered.quality, ordered.age))


@pytest.mark.parametrize("independence", [0.0, 0.5, 1.0])
def test_equal_observations_strengthen_the_belief_as_far_as_they_are_independent(independence: float) -> None:
    opinion = opinion_at(evidence(*[seen(0.0)] * 4, independence=independence), 0.0)
    assert opinion.posterior == pytest.approx(normal(4**independence * np.log(FIRST)))


def test_a_long_row_of_frames_saturates_and_recovers() -> None:
    found = evidence(independence=0.5)
    for i in range(1000):
        found.add(seen(i * 0.1))
    count = 1 / (1 - math.exp(-0.1 / 2.0))
    assert opinion_at(found, 99.9).posterior == pytest.approx(normal(count**0.5 * np.log(FIRST)))
    for i in range(1000):
        found.add(seen(100 + i * 0.1, SECOND))
    assert opinion_at(found, 199.9).posterior == pytest.approx(normal(count**0.5 * np.log(SECOND)))


def test_an_interim_observation_gives_way_to_the_next_one_of_its_utterance() -> None:
    found = evidence(seen(0.0, FIRST, final=False), seen(0.5, SECOND, final=False))
    assert opinion_at(found, 0.5).posterior == pytest.approx(normal(np.log(SECOND)))
    found.add(seen(1.0, FIRST))
    assert opinion_at(found, 1.0).posterior == pytest.approx(FIRST)
    found.add(seen(1.5, SECOND, final=False))
    fade = math.exp(-0.5 / 2.0)
    both = normal((fade * np.log(FIRST) + np.log(SECOND)) / (fade + 1))
    assert opinion_at(found, 1.5).posterior == pytest.approx(both)
    found.add(seen(2.0, FIRST, final=False))
    assert opinion_at(found, 2.0).posterior == pytest.approx(FIRST), "the second interim one is gone as well"


def test_a_late_interim_observation_is_left_out() -> None:
    found = evidence(seen(1.0, FIRST), seen(0.5, SECOND, final=False))
    assert opinion_at(found, 1.0).posterior == pytest.approx(FIRST)


def test_no_label_is_ruled_out() -> None:
    sure = (1.0, *[0.0] * (COUNT - 1))
    opinion = opinion_at(evidence(seen(0.0, sure)), 0.0)
    assert opinion.posterior == pytest.approx((1 / (1 + 6 * FLOOR), *[FLOOR / (1 + 6 * FLOOR)] * 6))


def test_worthless_observations_say_nothing_and_give_way_to_a_good_one() -> None:
    found = evidence(seen(0.0, FIRST, 0.0))
    assert opinion_at(found, 0.0).posterior == pytest.approx(UNIFORM)
    found.add(seen(0.0, SECOND, 1.0))
    opinion = opinion_at(found, 0.0)
    mean = (1e-3 * np.log(FIRST) + np.log(SECOND)) / 1.001
    assert opinion.posterior == pytest.approx(normal(0.5 * mean))


def test_clear_forgets_everything() -> None:
    found = evidence(seen(0.0, FIRST, 0.3), seen(0.1, FIRST, final=False))
    found.clear()
    assert found.opinion(0.0) is None
    assert not found.ever
    found.add(seen(-7.0, SECOND))
    opinion = opinion_at(found, -7.0)
    assert opinion.posterior == pytest.approx(SECOND)
    assert (opinion.quality, opinion.age) == (1.0, 0.0)


def test_the_prior_that_the_model_implies_is_divided_out() -> None:
    prior = (0.1, 0.05, 0.05, 0.3, 0.4, 0.05, 0.05)
    learnt = msgspec.structs.replace(IDENTITY, prior=prior)
    assert normal(Likelihood(learnt).log(prior)) == pytest.approx(UNIFORM), "a posterior like the prior says nothing"
    assert normal(Likelihood(learnt).log(SECOND)) == pytest.approx(normal(np.log(SECOND) - np.log(prior)))


def test_confusions_are_undone_by_matrix_and_bias() -> None:
    matrix = np.eye(COUNT)
    matrix[1, 0] = 0.5  # where the model says anger, disgust is likely too
    bias = (0.0, 0.2, 0.0, 0.0, 0.0, 0.0, -0.1)
    learnt = msgspec.structs.replace(IDENTITY, matrix=tuple(map(tuple, matrix.tolist())), bias=bias)
    log = np.log(FIRST)
    expected = log.copy()
    expected[1] += 0.5 * log[0] + 0.2
    expected[6] -= 0.1
    # Against the uniform prior, which the matrix multiplies too.
    expected[1] -= 0.5 * math.log(1 / COUNT)
    assert normal(Likelihood(learnt).log(FIRST)) == pytest.approx(normal(expected))
