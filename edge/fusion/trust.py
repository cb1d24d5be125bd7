"""Online trust: a sense that keeps contradicting the others loses influence, and regains it when it agrees again.

A sense that is out of order (a microphone that clips, a camera with a dirty lens) agrees with the others only by
chance. The log-likelihood ratio of being in order or not is the logarithm of its agreement; each sense accumulates it,
as in Page's cumulative sum test (Biometrika 41, 1954), bounded and slowly forgotten.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from edge.fusion import parameters
from edge.observation import Sense

_LONGEST_STEP_S: Final = 1.0
"""Longest time for which one agreement counts, in seconds, because nothing was compared in a longer gap."""
_SMALLEST: Final = 1e-3
"""Lower bound of an agreement, so that one contradiction cannot outweigh all else."""


class Trust:
    """How far each sense is trusted. All persons share it, because a fault is one of the device."""

    def __init__(self, numbers: parameters.Trust) -> None:
        """Trusts every sense fully."""
        self._numbers = numbers
        self._limit = -math.log(numbers.lowest)
        self._doubt: dict[Sense, float] = {}
        """Sense → minus the logarithm of its trust, from 0 on; a sense without an entry is fully trusted."""
        self._updated_at: float | None = None

    def of(self, senses: Sequence[Sense]) -> list[float]:
        """Trust in each of k senses, from the lowest one to 1."""
        return [math.exp(-self._doubt.get(sense, 0.0)) for sense in senses]

    def due(self, now: float) -> bool:
        """Whether time has passed since the last update; a time before it counts as none."""
        if self._updated_at is None:
            self._updated_at = now
        return now > self._updated_at

    def update(self, senses: Sequence[Sense], agreement: Sequence[float], ages: Sequence[float], now: float) -> None:
        """Follows the agreement of the senses until `now`.

        One observation counts once, spread over the time after it. A sense loses trust only while two others agree with
        each other: where two senses contradict each other, nothing says which of them errs.

        Args:
            senses: The k senses with evidence.
            agreement: Agreement of each with all others (`edge.fusion.pool.agreement`).
            ages: Seconds since the newest observation of each.
            now: Seconds.
        """
        if not self.due(now):
            return
        assert self._updated_at is not None
        step, self._updated_at = now - self._updated_at, now
        fading = math.exp(-step / self._numbers.recovery_s)
        for sense in self._doubt:
            self._doubt[sense] *= fading
        if len(senses) < 3:
            return
        logs = [math.log(max(each, _SMALLEST)) for each in agreement]
        majority = min(1.0, max(0.0, *logs))
        share = min(step, _LONGEST_STEP_S) / self._numbers.evidence_s
        for sense, log, age in zip(senses, logs, ages, strict=True):
            change = -log * (1.0 if log > 0 else majority) * share * math.exp(-age / self._numbers.evidence_s)
            self._doubt[sense] = min(self._limit, max(0.0, self._doubt.get(sense, 0.0) + change))
