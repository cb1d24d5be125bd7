"""The assignment against all the assignments there are."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.face.assignment import assign


def best(gain: NDArray[np.float64]) -> float:
    """The greatest total gain, by trying everything; a row or column may stay alone."""
    rows, columns = gain.shape
    if rows > columns:
        return best(gain.T)
    useful = np.maximum(gain, 0.0)
    return max(useful[range(rows), list(order)].sum() for order in permutations(range(columns), rows))


@pytest.mark.parametrize("shape", [(1, 1), (2, 2), (3, 3), (2, 5), (5, 2), (5, 5), (4, 6)])
def test_no_assignment_gains_more(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(shape))
    for _ in range(40):
        gain = rng.normal(0.3, 1, shape)
        pairs = assign(gain)
        assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
        assert pairs == sorted(pairs)
        assert all(gain[pair] > 0 for pair in pairs)
        assert sum(gain[pair] for pair in pairs) == pytest.approx(best(gain))


def test_the_best_pair_does_not_go_first_where_that_costs_more_in_all() -> None:
    assert assign(np.array([[5.0, 4.0], [4.5, -9.0]])) == [(0, 1), (1, 0)]


def test_pairs_without_gain_stay_unassigned() -> None:
    assert assign(np.array([[-1.0, -2.0], [-3.0, 1.0]])) == [(1, 1)]
    assert assign(np.zeros((3, 2))) == []
    assert assign(np.full((2, 3), -1e300)) == []


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_assign(shape: tuple[int, int]) -> None:
    assert assign(np.zeros(shape)) == []


def test_fifty_by_fifty_finds_the_hidden_permutation() -> None:
    rng = np.random.default_rng(3)
    hidden = rng.permutation(50)
    gain = rng.uniform(-1, 1, (50, 50))
    gain[range(50), hidden] += 3
    assert assign(gain) == list(enumerate(hidden))
