"""A whole recording in a few lines: what was felt how long, and what each sense said on the whole."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS, top
from edge.observation import SENSES, Estimate, Observation, Sense


class Summary:
    """Takes what `replay` yields and boils it down."""

    def __init__(self) -> None:
        self._estimates: list[Estimate] = []
        self._sums: dict[Sense, NDArray[np.float64]] = {sense: np.zeros(COUNT) for sense in SENSES}
        self._weights: dict[Sense, float] = dict.fromkeys(SENSES, 0.0)
        self._counts: Counter[Sense] = Counter()

    def add(self, item: Observation | Estimate) -> None:
        if isinstance(item, Estimate):
            self._estimates.append(item)
            return
        self._sums[item.sense] += item.quality * np.log(np.maximum(item.posterior, 0.01))
        self._weights[item.sense] += item.quality
        self._counts[item.sense] += 1

    def sense_posterior(self, sense: Sense) -> tuple[float, ...] | None:
        """The quality-weighted geometric mean of all that `sense` observed; None where it observed nothing."""
        if not self._weights[sense]:
            return None
        mean = np.exp(self._sums[sense] / self._weights[sense])
        return tuple(float(p) for p in mean / mean.sum())

    def fused_posterior(self) -> tuple[float, ...] | None:
        """The mean over time of the estimates that had evidence; None where none had."""
        used = [estimate.posterior for estimate in self._estimates if estimate.ages is not None]
        return tuple(float(p) for p in np.mean(used, axis=0)) if used else None

    def stretches(self) -> list[tuple[float, float, str]]:
        """(start, end, label) in seconds of each stretch with one label."""
        changes = [self._estimates[0]] if self._estimates else []
        changes += [after for before, after in pairwise(self._estimates) if after.label != before.label]
        ends = [estimate.captured_at for estimate in changes[1:]] + [e.captured_at for e in self._estimates[-1:]]
        starts = [0.0] + [estimate.captured_at for estimate in changes[1:]]
        return [(start, end, e.label) for start, end, e in zip(starts, ends, changes, strict=True)]

    def text(self, name: str) -> str:
        """For a person to read."""
        fused = self.fused_posterior()
        rows = [f"{name}: {_opinion(fused) if fused else 'nothing to go by'}"]
        for sense in SENSES:
            posterior = self.sense_posterior(sense)
            said = f"{_opinion(posterior)} from {self._counts[sense]} observations" if posterior else self._why(sense)
            rows.append(f"  {sense:<6} {said}")
        rows += [f"  {start:7.1f} s – {end:5.1f} s  {label}" for start, end, label in self.stretches()]
        return "\n".join(rows)

    def _why(self, sense: Sense) -> str:
        reasons = [
            part.missing for estimate in self._estimates[-1:] for part in estimate.contributions if part.sense == sense
        ]
        return (reasons[0] if reasons else None) or "nothing"


def _opinion(posterior: tuple[float, ...]) -> str:
    label = top(posterior)
    return f"{label} {posterior[LABELS.index(label)]:.0%}"
