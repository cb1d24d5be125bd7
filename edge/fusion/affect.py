"""Valence and arousal fused from the posterior and from what the senses measured themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge.emotions import valence_arousal
from edge.observation import Sense


@dataclass(frozen=True, slots=True)
class Affect:
    """Valence and arousal that one sense's model gave as outputs of its own."""

    valence: float | None
    """−1…1; None if the model has no such output."""
    arousal: float | None
    """−1…1; None if the model has no such output."""
    weight: float
    """Weight relative to the coordinates of the fused posterior, which have weight 1."""


def fuse(posterior: Sequence[float], affects: Mapping[Sense, Affect]) -> tuple[float, float]:
    """Weighted means of the posterior's expected coordinates and of the senses' own values.

    Args:
        posterior: Seven fused probabilities.
        affects: Sense → its own valence and arousal.

    Returns:
        Valence and arousal, each −1…1.
    """
    valence, arousal = valence_arousal(posterior)
    if not affects:
        return valence, arousal
    return (
        _mean(valence, [(affect.valence, affect.weight) for affect in affects.values()]),
        _mean(arousal, [(affect.arousal, affect.weight) for affect in affects.values()]),
    )


def _mean(base: float, own: list[tuple[float | None, float]]) -> float:
    """Mean of `base` with weight 1 and of the senses' own values with their weights, limited to −1…1."""
    known = [(value, weight) for value, weight in own if value is not None and weight > 0]
    total = 1.0 + sum(weight for _, weight in known)
    return min(1.0, max(-1.0, (base + sum(value * weight for value, weight in known)) / total))
