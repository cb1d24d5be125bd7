"""Everything that the fusion knows of one tracked person, or of the scene. It is in memory only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from typing import Final

from edge.emotions import NEUTRAL, UNIFORM
from edge.fusion import pool
from edge.fusion.baseline import Baseline, BaselineNumbers
from edge.fusion.evidence import Evidence, Opinion
from edge.fusion.feature_level import RecentEmbedding
from edge.fusion.filter import EmotionFilter
from edge.fusion.history import History
from edge.observation import SENSES, Attribution, Observation, Sense

LONGEST_STEP_S: Final = 0.5
"""Longest time in seconds that one observation of a face stands for, because nothing is known of a longer gap."""
_LEAST_CERTAINTY: Final = 0.3
"""Certainty below which the other senses do not count as knowing whether the person is neutral."""


class SenseState:
    """The evidence of one sense about one person, with and without the person's baseline. Not thread-safe."""

    __slots__ = ("_make", "_newest_at", "_uncorrected", "attribution", "baseline", "embedding", "evidence")

    def __init__(self, make: Callable[[], Evidence], numbers: BaselineNumbers | None = None) -> None:
        """Starts without evidence.

        Args:
            make: Makes the evidence.
            numbers: The numbers of the baseline; None for no baseline.
        """
        self._make = make
        self.evidence = make()
        """The evidence, corrected by the baseline."""
        self.baseline = None if numbers is None else Baseline(numbers)
        """What is known of the person's neutral state; None if it is not used."""
        self.attribution: Attribution | None = None
        """Whose voice or words the newest observation is."""
        self.embedding = RecentEmbedding()
        """The embedding of the last observations, for fusion at feature level."""
        self._uncorrected: Evidence | None = None
        self._newest_at: float | None = None

    @property
    def newest_at(self) -> float | None:
        """Time of the newest observation in seconds; None without one."""
        return self._newest_at

    @property
    def uncorrected(self) -> Evidence:
        """The evidence as it would be without the baseline; the same object until the baseline corrects something."""
        return self.evidence if self._uncorrected is None else self._uncorrected

    @property
    def corrects(self) -> bool:
        """Whether the evidence differs from the uncorrected one."""
        return self._uncorrected is not None

    @property
    def strength(self) -> float:
        """Strength 0…1 with which the baseline corrects new evidence; 0 until it has corrected some."""
        return 0.0 if self.baseline is None or self._uncorrected is None else self.baseline.strength

    def add(self, observation: Observation) -> bool:
        """Adds an observation, and returns False if it is older than the newest one."""
        in_order = self._newest_at is None or observation.captured_at >= self._newest_at
        if in_order:
            self._newest_at = observation.captured_at
            self.attribution = observation.attribution
            self.embedding.add(observation)
        baseline = self.baseline
        if baseline is None or baseline.correction is None:
            self.evidence.add(observation)
            if self._uncorrected is not None:
                self._uncorrected.add(observation)
            return in_order
        if self._uncorrected is None:
            self._split()
        assert self._uncorrected is not None
        self._uncorrected.add(observation)
        self.evidence.add(observation, baseline.correct(observation.posterior))
        return in_order

    def _split(self) -> None:
        """Continues without the baseline in the present evidence, and with it in a copy."""
        self._uncorrected = self.evidence
        # A shallow copy suffices, because `Evidence` replaces its sums instead of changing them.
        self.evidence = copy(self._uncorrected)


class Person:
    """The evidence of each sense, the baselines, the emotion and its history. Not thread-safe."""

    def __init__(
        self,
        number: int,
        emotions: EmotionFilter,
        make: Mapping[Sense, Callable[[], Evidence]],
        baselines: Mapping[Sense, BaselineNumbers] | None = None,
    ) -> None:
        """Starts without evidence.

        Args:
            number: Track id; 0 for the scene.
            emotions: Combines the senses.
            make: Sense → makes its evidence.
            baselines: Sense → numbers of its baseline; senses without one are absent.
        """
        self.number = number
        self.emotions = emotions
        self.history = History()
        self.senses = {sense: SenseState(make[sense], (baselines or {}).get(sense)) for sense in SENSES}
        self.confirmed_at: float | None = None
        """Seconds: the last estimate before which the face sense has named this person; None if none was made since."""

    def add(self, observation: Observation) -> bool:
        """Adds an observation of this person, and returns False if it is older than the newest one of its sense."""
        state = self.senses[observation.sense]
        before = state.newest_at
        in_order = state.add(observation)
        # Nothing is corrected by what it has taught itself.
        if state.baseline is not None and observation.final:
            self._learn(state.baseline, observation, before)
        return in_order

    def _learn(self, baseline: Baseline, observation: Observation, before: float | None) -> None:
        """Lets the baseline learn from an observation; `before`: time of the newest one before it, in seconds."""
        at = observation.captured_at
        amount = 1.0
        if observation.sense == "face":
            amount = 0.0 if before is None else min(at - before, LONGEST_STEP_S)
        if amount > 0:
            neutral = self._neutral_by_others(observation.sense, at)
            baseline.learn(observation.posterior, observation.quality, amount, neutral)

    def _neutral_by_others(self, sense: Sense, at: float) -> float | None:
        """Probability of neutral by the senses other than `sense` at `at` (seconds); None if they know too little."""
        others = [state.evidence.opinion(at) for other, state in self.senses.items() if other != sense]
        known = [opinion for opinion in others if opinion is not None]
        certain = [opinion.freshness * (1.0 - opinion.unreliable) * opinion.quality for opinion in known]
        if max(certain, default=0.0) < _LEAST_CERTAINTY:
            return None
        return pool.product(pool.factors([opinion.belief for opinion in known], certain), UNIFORM)[NEUTRAL]


def newer(one: SenseState, other: SenseState | None) -> SenseState:
    """Returns the state with the newer evidence; `one` if both are equally old or there is no `other`."""
    if other is None or other.newest_at is None:
        return one
    return other if one.newest_at is None or other.newest_at > one.newest_at else one


def opinions(states: Mapping[Sense, SenseState], now: float) -> dict[Sense, Opinion]:
    """Sense → its opinion at `now` (seconds); senses without a fresh one are absent."""
    return _present((sense, state.evidence.opinion(now)) for sense, state in states.items())


def uncorrected_opinions(states: Mapping[Sense, SenseState], now: float) -> dict[Sense, Opinion]:
    """Like `opinions`, without the baselines."""
    return _present((sense, state.uncorrected.opinion(now)) for sense, state in states.items())


def _present(found: Iterable[tuple[Sense, Opinion | None]]) -> dict[Sense, Opinion]:
    return {sense: opinion for sense, opinion in found if opinion is not None}
