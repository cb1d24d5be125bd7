"""Masks of the fusion's evaluation: what each does to the posteriors of a sense."""

from __future__ import annotations

import numpy as np
import pytest

from models.fusion import masks


@pytest.fixture
def posterior() -> masks.Posteriors:
    return np.random.default_rng(0).dirichlet(np.full(8, 0.3), 2000)


@pytest.mark.parametrize("name", masks.MASKS)
def test_every_mask_gives_distributions_and_leaves_its_input_alone(name: str, posterior: masks.Posteriors) -> None:
    before = posterior.copy()
    previous = np.arange(len(posterior)) - 1
    changed = masks.MASKS[name](posterior, previous, np.random.default_rng(1))
    np.testing.assert_allclose(changed.sum(1), 1.0)
    assert (changed >= 0).all()
    np.testing.assert_array_equal(posterior, before)
    assert (changed != before).any()


def test_mislabelled_exchanges_the_top_class_of_the_stated_share(posterior: masks.Posteriors) -> None:
    changed = masks.mislabelled(posterior, np.random.default_rng(1))
    moved = changed.argmax(1) != posterior.argmax(1)
    assert moved.mean() == pytest.approx(masks.MISLABELLED_SHARE, abs=0.03)
    np.testing.assert_array_equal(changed[~moved], posterior[~moved])
    np.testing.assert_allclose(np.sort(changed, 1), np.sort(posterior, 1))


def test_mislabelled_reaches_every_wrong_class(posterior: masks.Posteriors) -> None:
    changed = masks.mislabelled(posterior, np.random.default_rng(1), share=1.0)
    assert set((changed.argmax(1) - posterior.argmax(1)) % 8) == set(range(1, 8))


def test_late_repeats_the_preceding_row_of_the_same_stream(posterior: masks.Posteriors) -> None:
    order = np.array([2, 0, 3, 1])
    streams = np.array(["a", "b", "a", "b"])
    previous = masks.previous_in_stream(order, streams)
    assert previous.tolist() == [2, 3, -1, -1]
    changed = masks.late(posterior[:4], previous, np.random.default_rng(0), share=1.0)
    np.testing.assert_array_equal(changed, posterior[[2, 3, 2, 3]])


def test_late_disturbs_the_stated_share_of_the_rows(posterior: masks.Posteriors) -> None:
    changed = masks.late(posterior, np.arange(len(posterior)) - 1, np.random.default_rng(0))
    assert (changed != posterior).any(1).mean() == pytest.approx(masks.LATE_SHARE, abs=0.03)


def test_noise_does_not_depend_on_the_posterior(posterior: masks.Posteriors) -> None:
    one = masks.noise(posterior, np.random.default_rng(3))
    np.testing.assert_array_equal(one, masks.noise(posterior[::-1], np.random.default_rng(3)))


def test_missing_says_nothing(posterior: masks.Posteriors) -> None:
    np.testing.assert_allclose(masks.missing(posterior), 1 / 8)
