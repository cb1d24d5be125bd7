"""The summary of a recording in a few lines: the labels over time, and the mean posterior of each sense."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS, top
from edge.observation import SENSES, Estimate, Observation, Sense


class Summary:
    """Collects what `replay` yields and summarises it."""

    def __init__(self) -> None:
        self._estimates: list[Estimate] = []
        self._sums: dict[Sense, NDArray[np.float64]] = {sense: np.zeros(COUNT) for sense in SENSES}
        self._weights: dict[Sense, float] = dict.fromkeys(SENSES, 0.0)
        self._counts: Counter[Sense] = Counter()

    def add(self, item: Observation | Estimate) -> None:
        """Adds an observation or an estimate; estimates have to be in order of time."""
        if isinstance(item, Estimate):
            self._estimates.append(item)
            return
        self._sums[item.sense] += item.quality * np.log(np.maximum(item.posterior, 0.01))
        self._weights[item.sense] += item.quality
        self._counts[item.sense] += 1

    def sense_posterior(self, sense: Sense) -> tuple[float, ...] | None:
        """The quality-weighted geometric mean of the posteriors of one sense, shape (7,); None without observations."""
        if not self._weights[sense]:
            return None
        mean = np.exp(self._sums[sense] / self._weights[sense])
        return tuple(float(p) for p in mean / mean.sum())

    def fused_posterior(self) -> tuple[float, ...] | None:
        """The mean posterior, shape (7,), of the estimates that had evidence; None if there are none."""
        used = [estimate.posterior for estimate in self._estimates if estimate.ages is not None]
        return tuple(float(p) for p in np.mean(used, axis=0)) if used else None

    def segments(self) -> list[tuple[float, float, str]]:
        """(start, end, label) of each period during which the label stays the same; times are in seconds."""
        changes = [self._estimates[0]] if self._estimates else []
        changes += [after for before, after in pairwise(self._estimates) if after.label != before.label]
        ends = [estimate.captured_at for estimate in changes[1:]] + [e.captured_at for e in self._estimates[-1:]]
        starts = [0.0] + [estimate.captured_at for estimate in changes[1:]]
        return [(start, end, e.label) for start, end, e in zip(starts, ends, changes, strict=True)]

    def text(self, name: str) -> str:
        """The summary as text. `name`: name of the recording."""
        fused = self.fused_posterior()
        rows = [f"{name}: {_label_and_share(fused) if fused else 'nothing to go by'}"]
        for sense in SENSES:
            posterior = self.sense_posterior(sense)
            finding = (
                f"{_label_and_share(posterior)} from {self._counts[sense]} observations"
                if posterior
                else self._reason(sense)
            )
            rows.append(f"  {sense:<6} {finding}")
        rows += [f"  {start:7.1f} s – {end:5.1f} s  {label}" for start, end, label in self.segments()]
        return "\n".join(rows)

    def _reason(self, sense: Sense) -> str:
        reasons = [
            part.missing for estimate in self._estimates[-1:] for part in estimate.contributions if part.sense == sense
        ]
        return (reasons[0] if reasons else None) or "nothing"


def _label_and_share(posterior: tuple[float, ...]) -> str:
    label = top(posterior)
    return f"{label} {posterior[LABELS.index(label)]:.0%}"
