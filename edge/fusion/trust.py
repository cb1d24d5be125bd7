"""Online trust: a sense that keeps contradicting the others loses influence, and regains it when it agrees again."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.fusion import parameters
from edge.observation import Sense

_MAX_STEP_S = 1.0
"""Longest time for which one agreement counts, because nothing was compared in a longer gap."""


class Trust:
    """The log-odds that each sense is in order, updated with how well it agrees with the others."""

    def __init__(self, numbers: parameters.Trust) -> None:
        self._numbers = numbers
        self._doubt: dict[Sense, float] = {}
        """Sense → minus the logarithm of its trust, 0…; a sense without an entry is fully trusted."""
        self._limit = -math.log(max(numbers.lowest, 1e-6))
        self._updated_at: float | None = None

    def take_over(self, other: Trust) -> None:
        """Copies the state of `other`."""
        self._doubt, self._updated_at = dict(other._doubt), other._updated_at

    def of(self, senses: Sequence[Sense]) -> NDArray[np.float64]:
        """Trust in each of the k senses, (k,), `lowest`…1."""
        return np.exp([-self._doubt.get(sense, 0.0) for sense in senses])

    def update(self, senses: Sequence[Sense], agreement: NDArray[np.float64], now: float) -> None:
        """Follows the senses' agreement until `now` (seconds). A time before the last update changes nothing.

        Only a sense that agrees less than the best one loses trust: where two senses contradict each other, nothing
        says which of them errs.

        Args:
            senses: The k senses with evidence.
            agreement: (k,) agreement of each with all others (`edge.fusion.pool.agreement`).
            now: Seconds.
        """
        step = 0.0 if self._updated_at is None else now - self._updated_at
        if step < 0:
            return
        self._updated_at = now
        if step == 0:
            return
        recovery = math.exp(-step / self._numbers.recovery_s)
        for sense in self._doubt:
            self._doubt[sense] *= recovery
        if len(senses) < 2:
            return
        logs = np.log(np.maximum(agreement, 1e-6))
        gain = min(step, _MAX_STEP_S) / self._numbers.evidence_s
        for sense, behind in zip(senses, logs - logs.max(), strict=True):
            # Agreement beyond that of unrelated beliefs restores the trust; being behind the best one lowers it.
            change = -behind if behind < 0 else 0.0
            doubt = self._doubt.get(sense, 0.0) + gain * change
            self._doubt[sense] = min(self._limit, max(0.0, doubt))
