"""The combination of the senses, in plain Python, against the same formulas in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from edge.emotions import COUNT, LABELS, VALENCE_AROUSAL, valence_arousal
from edge.fusion import pool
from edge.fusion.affect import Affect, fuse
from edge.fusion.evidence import Opinion
from edge.observation import SENSES

RNG = np.random.default_rng(4)
BELIEFS = [tuple(row) for row in RNG.dirichlet(np.full(COUNT, 0.4), 3).tolist()]
CERTAIN = [0.9, 0.5, 0.2]
RATIOS = np.asarray([1 + c * (COUNT * np.asarray(b) - 1) for b, c in zip(BELIEFS, CERTAIN, strict=True)])
PRIOR = RNG.dirichlet(np.ones(COUNT))


def test_factors_are_mixtures_with_the_uniform_distribution() -> None:
    found = pool.factors(BELIEFS, CERTAIN)
    assert np.asarray(found) == pytest.approx(RATIOS)
    assert np.mean(found, axis=1) == pytest.approx(np.ones(3))
    # A belief that is certain and excludes a label leaves a logarithm that is finite.
    (excluded,) = pool.factors([(1.0, *[0.0] * 6)], [1.0])
    assert excluded[0] == pytest.approx(COUNT)
    assert 0 < excluded[1] < 1e-9


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_the_product_is_the_posterior(count: int) -> None:
    found = pool.product(RATIOS[:count].tolist(), PRIOR.tolist())
    expected = PRIOR * RATIOS[:count].prod(0)
    assert found == pytest.approx(expected / expected.sum())


def test_three_senses_that_exclude_each_other_leave_a_distribution() -> None:
    sure = [tuple(float(column == label) for column in range(COUNT)) for label in range(3)]
    found = pool.product(pool.factors(sure, [1.0] * 3), [1e-6] * 6 + [1.0])
    assert sum(found) == pytest.approx(1.0)
    assert all(0 < p < 1 for p in found)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_agreement_is_with_all_others(count: int) -> None:
    found = pool.agreement(RATIOS[:count].tolist(), BELIEFS[:count])
    for number in range(count):
        others = np.delete(RATIOS[:count], number, 0).prod(0)
        assert found[number] == pytest.approx(COUNT * (others / others.sum()) @ np.asarray(BELIEFS[number]))
    if count == 1:
        assert found == pytest.approx([1.0])


def test_information_is_the_divergence_from_the_uniform_distribution() -> None:
    found = pool.information(RATIOS.tolist())
    shares = RATIOS / COUNT
    assert found == pytest.approx((shares * np.log(shares * COUNT)).sum(1))
    assert pool.information([[1.0] * COUNT]) == [0.0]


def jensen_shannon(one: np.ndarray, other: np.ndarray) -> float:  # type: ignore[type-arg]
    def entropy(p: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(-(p * np.log2(p)).sum())

    return entropy((one + other) / 2) - (entropy(one) + entropy(other)) / 2


def test_conflict_is_that_of_the_pair_that_differs_most() -> None:
    shares = RATIOS / COUNT
    pairs = {(a, b): jensen_shannon(shares[a], shares[b]) for a, b in ((0, 1), (0, 2), (1, 2))}
    worst = max(pairs, key=pairs.__getitem__)
    amount, between = pool.conflict(SENSES, RATIOS.tolist())
    assert amount == pytest.approx(pairs[worst])
    assert between == (SENSES[worst[0]], SENSES[worst[1]])
    assert pool.conflict(("voice", "words"), RATIOS[:2].tolist())[1] == ("voice", "words")
    assert pool.conflict(("voice",), RATIOS[:1].tolist()) == (0.0, None)
    assert pool.conflict((), []) == (0.0, None)


def test_conflict_goes_from_none_to_one() -> None:
    same = [RATIOS[0].tolist()] * 2
    assert pool.conflict(("face", "voice"), same)[0] == pytest.approx(0.0, abs=1e-12)
    apart = pool.factors([(1.0, *[0.0] * 6), (0.0, 1.0, *[0.0] * 5)], [1.0, 1.0])
    assert pool.conflict(("face", "voice"), apart)[0] == pytest.approx(1.0, abs=1e-6)


def test_a_second_label_needs_its_share_of_both() -> None:
    posterior = [0.1, 0.3, 0.05, 0.45, 0.05, 0.03, 0.02]
    assert pool.second_label(posterior, 0.39) == "disgust"
    assert pool.second_label(posterior, 0.41) is None


def test_certainty_is_freshness_and_reliability() -> None:
    opinion = Opinion(BELIEFS[0], 0.5, 1.0, 0.8, 0.25)
    assert pool.certainty({"face": opinion}) == pytest.approx([0.6])
    assert opinion.posterior == BELIEFS[0]


def test_valence_and_arousal_of_arrays_and_tuples() -> None:
    expected = np.asarray(BELIEFS[1]) @ np.asarray([VALENCE_AROUSAL[label] for label in LABELS])
    for given in (BELIEFS[1], list(BELIEFS[1]), np.asarray(BELIEFS[1], np.float64)):
        assert valence_arousal(given) == pytest.approx(tuple(expected))
        assert all(type(value) is float for value in valence_arousal(given))


def test_measured_valence_and_arousal_are_weighed_against_the_posterior() -> None:
    valence, arousal = valence_arousal(BELIEFS[1])
    assert fuse(BELIEFS[1], {}) == (valence, arousal)
    found = fuse(BELIEFS[1], {"face": Affect(0.9, None, 3.0), "voice": Affect(-0.3, 0.5, 1.0)})
    assert found == pytest.approx(((valence + 2.7 - 0.3) / 5, (arousal + 0.5) / 2))
    assert fuse(BELIEFS[1], {"face": Affect(9.0, -9.0, 1e6)}) == (1.0, -1.0)
    assert fuse(BELIEFS[1], {"face": Affect(0.9, 0.9, 0.0)}) == (valence, arousal)
