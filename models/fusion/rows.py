"""One row of the evaluation of the fusion, and the registry of the protocols that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from models.metrics import single_label


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Scores of one fusion under one condition."""

    protocol: str
    """Name of the protocol and its data."""
    fusion: str
    """What decides: `fusion`, `product`, …, or a sense alone."""
    mask: str
    """Which senses are given and how they are disturbed: `face+voice+words`, `voice noise`, …"""
    n: int
    """Number of decisions."""
    accuracy: float
    """Share of right decisions, 0…1."""
    uar: float
    """Recall averaged over the labels that occur, 0…1."""
    ece: float
    """Expected calibration error with 15 bins, 0…1."""


Protocol: TypeAlias = Callable[[Path, bool], Iterator[msgspec.Struct]]
"""Yields the rows of a protocol, most of them `Row`s. Takes the folder of the corpora, and whether a
short run on a part of the data suffices."""


def row(
    protocol: str,
    fusion: str,
    mask: str,
    posterior: NDArray[np.floating],
    truth: NDArray[np.integer],
    *,
    decided: NDArray[np.integer] | None = None,
    labels: tuple[str, ...] = LABELS,
) -> Row:
    """Scores (n, k) posteriors against (n,) true labels.

    Args:
        protocol: Name of the protocol and its data.
        fusion: What decides.
        mask: Which senses are given and how they are disturbed.
        posterior: (n, k) probabilities.
        truth: (n,) indices of the true labels.
        decided: (n,) indices of the reported labels; None for the most probable ones.
        labels: The k names.
    """
    score = single_label(fusion, protocol, posterior, truth, labels)
    if decided is None:
        accuracy, uar = score.accuracy, score.uar
    else:
        hits = decided == truth
        accuracy = round(float(hits.mean()), 4)
        uar = round(float(np.mean([hits[truth == label].mean() for label in np.unique(truth)])), 4)
    return Row(protocol=protocol, fusion=fusion, mask=mask, n=score.n, accuracy=accuracy, uar=uar, ece=score.ece)
