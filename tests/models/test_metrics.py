"""The scores, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from models.metrics import (
    area_under_curve,
    best_threshold,
    class_weights,
    expected_calibration_error,
    fit_temperature,
    multi_label,
    per_class,
    single_label,
    weighted_f1,
)

AB = ("a", "b")
ABC = ("a", "b", "c")


def test_calibration_error_is_the_weighted_gap_of_the_bins() -> None:
    # Four rows at confidence 0.9, three of them right: a gap of 0.15; one at 0.6 and wrong: a gap of 0.6.
    posterior = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]])
    truth = np.array([0, 0, 0, 1, 1])
    assert expected_calibration_error(posterior, truth) == pytest.approx((4 * 0.15 + 1 * 0.6) / 5)


def test_calibration_errors_of_one_bin_cancel_and_of_two_do_not() -> None:
    # Confidences 0.6 (right) and 0.8 (wrong): one bin has mean 0.7 against half right; apart they miss by 0.4 and 0.8.
    posterior, truth = np.array([[0.6, 0.4], [0.8, 0.2]]), np.array([0, 1])
    assert expected_calibration_error(posterior, truth, bins=1) == pytest.approx(0.2)
    assert expected_calibration_error(posterior, truth, bins=10) == pytest.approx(0.6)


def test_full_confidence_falls_into_the_last_bin() -> None:
    certain = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert expected_calibration_error(certain, np.array([0, 0])) == 0
    assert expected_calibration_error(certain, np.array([0, 1])) == pytest.approx(0.5)
    assert expected_calibration_error(certain, np.array([1, 1])) == pytest.approx(1)


def test_each_label_has_its_precision_recall_and_f1() -> None:
    truth = np.array([[1, 0], [1, 0], [1, 1], [0, 1]], bool)
    decided = np.array([[1, 1], [0, 0], [1, 0], [1, 1]], bool)
    # a: 2 of 3 decided are right, 2 of 3 true are found. b: 1 of 2 and 1 of 2.
    assert per_class(truth, decided, AB) == {
        "a": {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "n": 3},
        "b": {"precision": 0.5, "recall": 0.5, "f1": 0.5, "n": 2},
    }


def test_a_label_that_is_never_decided_or_never_true_scores_nothing() -> None:
    rows = per_class(np.array([[1, 0], [1, 0]], bool), np.array([[0, 1], [0, 0]], bool), AB)
    assert rows["a"] == {"precision": 0, "recall": 0, "f1": 0, "n": 2}
    assert rows["b"] == {"precision": 0, "recall": 0, "f1": 0, "n": 0}


def test_weighted_f1_weighs_by_rows() -> None:
    assert weighted_f1({"a": {"f1": 0.8, "n": 3}, "b": {"f1": 0.4, "n": 1}}) == pytest.approx(0.7)
    assert weighted_f1({"a": {"f1": 0.0, "n": 0}}) == 0


def test_single_label_averages_over_the_labels_that_occur() -> None:
    posterior = np.array([[0.8, 0.2, 0], [0.4, 0.6, 0], [0.3, 0.7, 0], [0.1, 0.9, 0]])
    score = single_label("int8", "by hand", posterior, np.array([0, 0, 1, 1]), ABC)
    # a: recall 1/2, precision 1, F1 2/3. b: recall 1, precision 2/3, F1 4/5. c does not occur.
    assert (score.model, score.protocol, score.n) == ("int8", "by hand", 4)
    assert score.accuracy == 0.75
    assert score.uar == 0.75
    assert score.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2, abs=1e-4)
    # Each row has a bin of its own: gaps 0.2, 0.6, 0.3 and 0.1.
    assert score.ece == pytest.approx(0.3)
    assert score.per_class["c"]["n"] == 0


def test_a_label_decided_but_absent_costs_the_others_and_not_the_average() -> None:
    score = single_label("m", "p", np.array([[0.9, 0, 0.1], [0.1, 0, 0.9]]), np.array([0, 0]), ABC)
    assert (score.accuracy, score.uar) == (0.5, 0.5)
    assert score.macro_f1 == pytest.approx(2 / 3, abs=1e-4)


def test_multi_label_accuracy_wants_the_exact_set() -> None:
    probability = np.array([[0.9, 0.6], [0.9, 0.2], [0.3, 0.8]])
    truth = np.array([[1, 1], [1, 1], [0, 1]], bool)
    score = multi_label("m", "p", probability, truth, np.array([0.5, 0.5]), AB)
    # a is perfect; b: precision 1, recall 2/3, F1 0.8; the second row lacks b.
    assert score.accuracy == pytest.approx(2 / 3, abs=1e-4)
    assert score.macro_f1 == pytest.approx(0.9)
    assert score.uar == pytest.approx((1 + 2 / 3) / 2, abs=1e-4)
    # Confidences in what stands at 0.5: 0.9 twice right; 0.6 right; 0.8 wrong (b at 0.2), 0.7 right, 0.8 right.
    assert score.ece == pytest.approx((2 * 0.1 + 0.4 + 2 * 0.3 + 0.3) / 6, abs=1e-4)


def test_every_label_has_its_own_threshold_and_meets_it_at_equality() -> None:
    probability, truth = np.array([[0.3, 0.3], [0.2, 0.2]]), np.array([[1, 0], [0, 0]], bool)
    score = multi_label("m", "p", probability, truth, np.array([0.3, 0.4]), AB)
    assert score.accuracy == 1
    # b never occurs and is never decided: nothing to find counts as nothing found.
    assert score.macro_f1 == 0.5


def test_the_best_threshold_separates_separable_rows() -> None:
    probability = np.array([[0.1], [0.22], [0.44], [0.6]])
    truth = np.array([[0], [0], [1], [1]], bool)
    assert 0.22 < best_threshold(probability, truth) <= 0.44


def test_the_best_threshold_weighs_every_column_alike() -> None:
    # The first column wants more than 0.3, the second at most 0.7; one threshold must serve both.
    probability = np.array([[0.8, 0.7], [0.3, 0.1], [0.3, 0.1]])
    truth = np.array([[1, 1], [0, 0], [0, 0]], bool)
    assert 0.3 < best_threshold(probability, truth) <= 0.7


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0, 4.0])
def test_the_temperature_undoes_a_stretch_of_the_logits(factor: float) -> None:
    # Three rows in four are of the label ahead: the likeliest logit difference is log 3.
    logits = factor * np.log(3) * np.array([[1.0, 0.0]] * 4)
    assert fit_temperature(logits, np.array([0, 0, 0, 1])) == pytest.approx(factor, rel=0.01)


def test_the_temperature_stays_within_its_grid() -> None:
    always_right, coin = np.array([[2.0, 0.0]] * 4), np.array([0, 0, 1, 1])
    assert fit_temperature(always_right, np.zeros(4, int)) == pytest.approx(0.25)
    assert fit_temperature(always_right, coin) == pytest.approx(5)
    assert np.isfinite(fit_temperature(1e4 * always_right, coin))


def test_class_weights_go_by_inverse_frequency() -> None:
    labels = np.array([0, 0, 0, 1])
    np.testing.assert_allclose(class_weights(labels, 0.0), 1)
    # Fully balanced, both labels weigh the same in all: 3 · 2/3 = 1 · 2.
    np.testing.assert_allclose(class_weights(labels, 1.0), [2 / 3, 2 / 3, 2 / 3, 2])
    half = class_weights(labels, 0.5)
    assert half[3] / half[0] == pytest.approx(3**0.5)
    for power in (0.0, 0.3, 1.0):
        assert class_weights(labels, power).mean() == pytest.approx(1)
        assert class_weights(labels, power).dtype == np.float32


def test_area_under_curve_counts_pairs_in_the_right_order_and_halves_of_ties() -> None:
    positive = np.array([True, True, False, False])
    assert area_under_curve(np.array([0.9, 0.4, 0.5, 0.4]), positive) == pytest.approx((2 + 0.5) / 4)
    assert area_under_curve(np.array([3.0, 2.0, 1.0, 0.0]), positive) == 1
    assert np.isnan(area_under_curve(np.array([1.0]), np.array([True])))
