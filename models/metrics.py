"""Classification scores: accuracy, macro-F1, unweighted average recall (UAR), expected calibration error (ECE)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Score


def expected_calibration_error(posterior: NDArray[np.floating], truth: NDArray[np.integer], bins: int = 15) -> float:
    """ECE of the most probable label over equal-width confidence bins (Guo et al., ICML 2017).

    Args:
        posterior: (n, k) probabilities.
        truth: (n,) indices of the true labels.
        bins: Number of confidence bins.

    Returns:
        The error, 0…1.
    """
    confidence, hit = posterior.max(1), posterior.argmax(1) == truth
    index = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [
        abs(hit[index == b].mean() - confidence[index == b].mean()) * (index == b).mean()
        for b in range(bins)
        if (index == b).any()
    ]
    return float(sum(gaps))


def per_class(
    truth: NDArray[np.bool_], decided: NDArray[np.bool_], labels: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and number of rows of each label.

    Args:
        truth: (n, k) booleans, which labels are true.
        decided: (n, k) booleans, which labels were decided.
        labels: The k names.
    """
    rows: dict[str, dict[str, float]] = {}
    for column, label in enumerate(labels):
        hits = float((truth[:, column] & decided[:, column]).sum())
        precision = hits / max(1, int(decided[:, column].sum()))
        recall = hits / max(1, int(truth[:, column].sum()))
        rows[label] = {
            "precision": round(precision, 4),
            "recall": round(recall, 4),
            "f1": round(2 * precision * recall / (precision + recall) if hits else 0.0, 4),
            "n": int(truth[:, column].sum()),
        }
    return rows


def area_under_curve(score: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: the probability that a positive row scores above a negative one (Mann–Whitney).

    Both arguments are (n,). Returns NaN if there are no positive or no negative rows.
    """
    yes, no = score[positive], score[~positive]
    if not len(yes) or not len(no):
        return float("nan")
    order = np.sort(no)
    below, upto = np.searchsorted(order, yes, "left"), np.searchsorted(order, yes, "right")
    return float(((below + upto) / 2).mean() / len(no))


def weighted_f1(classes: Mapping[str, Mapping[str, float]]) -> float:
    """Mean F1 of the labels of `per_class`, weighted by their number of rows; 0 if there are no rows."""
    rows = sum(row["n"] for row in classes.values())
    return float(sum(row["f1"] * row["n"] for row in classes.values()) / max(1, rows))


def single_label(
    model: str, protocol: str, posterior: NDArray[np.floating], truth: NDArray[np.integer], labels: Sequence[str]
) -> Score:
    """All scores of a single-label task; averages are over the labels that occur in `truth`.

    Args:
        model: Name of the measured model.
        protocol: Name of the test set and procedure.
        posterior: (n, k) probabilities.
        truth: (n,) indices of the true labels.
        labels: The k names.
    """
    decided = np.eye(len(labels), dtype=bool)[posterior.argmax(1)]
    classes = per_class(np.eye(len(labels), dtype=bool)[truth], decided, labels)
    present = [row for row in classes.values() if row["n"]]
    return Score(
        model=model,
        protocol=protocol,
        n=len(truth),
        accuracy=round(float((posterior.argmax(1) == truth).mean()), 4),
        macro_f1=round(float(np.mean([row["f1"] for row in present])), 4),
        uar=round(float(np.mean([row["recall"] for row in present])), 4),
        ece=round(expected_calibration_error(posterior, truth), 4),
        per_class=classes,
    )


def multi_label(
    model: str,
    protocol: str,
    probability: NDArray[np.floating],
    truth: NDArray[np.bool_],
    thresholds: NDArray[np.floating],
    labels: Sequence[str],
) -> Score:
    """All scores of a multi-label task.

    Accuracy is the share of rows whose whole set of labels is right. The calibration error is computed over all n·k
    binary decisions at 0.5, each with the confidence of the decided side.

    Args:
        model: Name of the measured model.
        protocol: Name of the test set and procedure.
        probability: (n, k) probabilities.
        truth: (n, k) booleans, which labels are true.
        thresholds: (k,) probabilities from which a label counts as decided.
        labels: The k names.
    """
    decided = probability >= thresholds
    classes = per_class(truth, decided, labels)
    flat = probability.ravel()
    return Score(
        model=model,
        protocol=protocol,
        n=len(truth),
        accuracy=round(float((decided == truth).all(1).mean()), 4),
        macro_f1=round(float(np.mean([row["f1"] for row in classes.values()])), 4),
        uar=round(float(np.mean([row["recall"] for row in classes.values()])), 4),
        ece=round(expected_calibration_error(np.stack([1 - flat, flat], 1), truth.ravel().astype(np.int64)), 4),
        per_class=classes,
    )


def best_threshold(probability: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """The single threshold, in steps of 0.01, with the best mean F1 over the columns of two (n, k) arrays."""

    def f1(threshold: float) -> float:
        decided = probability >= threshold
        hits = (decided & truth).sum(0)
        return float(np.mean(2 * hits / np.maximum(1, decided.sum(0) + truth.sum(0))))

    return float(max(np.arange(0.05, 0.90, 0.01), key=f1))


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.integer]) -> float:
    """The temperature with the lowest negative log-likelihood on held-out rows, from a grid of 241 values in 0.25…5."""
    grid = np.geomspace(0.25, 5.0, 241)

    def loss(temperature: float) -> float:
        scaled = logits.astype(np.float64) / temperature
        top = scaled.max(1, keepdims=True)
        normaliser = top[:, 0] + np.log(np.exp(scaled - top).sum(1))
        return float((normaliser - scaled[np.arange(len(truth)), truth]).mean())

    return float(min(grid, key=loss))


def class_weights(labels: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """(n,) weights with mean 1: inverse label frequency to `power`, from 0 (no balancing) to 1 (full balancing)."""
    frequency = np.maximum(np.bincount(labels), 1) / len(labels)
    weight = frequency**-power
    return np.asarray((weight / (weight * frequency).sum())[labels], np.float32)
