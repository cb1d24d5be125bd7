"""Plays trials of the declared pairing to the real fusion, whole or with a sense disturbed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.emotions import COUNT, LABELS
from edge.fusion.fusion import Fusion
from edge.fusion.parameters import Parameters
from edge.fusion.trust import Trust
from edge.observation import SENSES, Observation, Perceived, Sense
from models.fusion.pairing import Trial

FRAME_RATE: Final = 15.0
"""Frames of the face per second."""
READ_AT: Final = (1.0, 2.0)
"""Seconds after the beginning of a trial at which the label is read."""
PERSON: Final = 1
"""Track id of the face."""
LATE_S: Final = 1.0
"""Seconds by which the observations of a late sense arrive after they were captured."""
MISLABELLED_SHARE: Final = 0.3
"""Share of the trials in which a mislabelled sense reports another label."""
_APART_S: Final = 10.0
"""Seconds from the beginning of one trial to that of the next."""
EQUAL_PRIOR: Final[Mapping[config.Label, float]] = dict.fromkeys(LABELS, 1.0 / COUNT)
"""The pairing has equally many trials of each label, and the fusion is told so."""

Disturb = Callable[[tuple[Observation, ...], np.random.Generator], tuple[Observation, ...]]
"""Changes what one sense observes in a trial."""


def noise(stream: tuple[Observation, ...], rng: np.random.Generator) -> tuple[Observation, ...]:
    """The same random posterior in all observations, from all distributions alike (a flat Dirichlet distribution)."""
    posterior = tuple(rng.dirichlet(np.ones(COUNT)).tolist())
    return tuple(replace(seen, posterior=posterior) for seen in stream)


def mislabelled(stream: tuple[Observation, ...], rng: np.random.Generator) -> tuple[Observation, ...]:
    """In `MISLABELLED_SHARE` of the trials, the most probable label swaps its probability with a random other one."""
    if rng.random() >= MISLABELLED_SHARE:
        return stream
    shift = int(rng.integers(1, COUNT))
    changed = []
    for seen in stream:
        posterior = list(seen.posterior)
        top = int(np.argmax(posterior))
        other = (top + shift) % COUNT
        posterior[top], posterior[other] = posterior[other], posterior[top]
        changed.append(replace(seen, posterior=tuple(posterior)))
    return tuple(changed)


@dataclass(frozen=True, slots=True)
class Mask:
    """Which senses are given, and how one of them is disturbed."""

    name: str
    """Name in the rows of the evaluation."""
    senses: tuple[Sense, ...] = SENSES
    """The senses that are given."""
    disturbed: Sense | None = None
    """The sense that `disturb` changes or that is late."""
    disturb: Disturb | None = None
    """How its observations are changed."""
    late: bool = False
    """Whether its observations arrive late."""

    @property
    def reliable(self) -> tuple[Sense, ...]:
        """The senses that are given and not disturbed."""
        return tuple(sense for sense in self.senses if sense != self.disturbed)


SUBSETS: Final = tuple(
    Mask("+".join(senses), senses)
    for senses in (
        ("face",),
        ("voice",),
        ("words",),
        ("face", "voice"),
        ("face", "words"),
        ("voice", "words"),
        SENSES,
    )
)
"""Every subset of the senses; those of two are all senses with one missing."""
DISTURBANCES: Final = tuple(
    mask
    for sense in SENSES
    for mask in (
        Mask(f"{sense} noise", disturbed=sense, disturb=noise),
        Mask(f"{sense} late by 1 s", disturbed=sense, late=True),
        Mask(f"{sense} mislabelled 30 %", disturbed=sense, disturb=mislabelled),
    )
)
"""All senses with one disturbed."""


def arrivals(trial: Trial, mask: Mask, until: float, rng: np.random.Generator) -> list[tuple[float, Perceived]]:
    """What arrives in a trial, in the order of arrival, as (time of arrival, result of a sense).

    Args:
        trial: The trial.
        mask: Which senses are given and how one is disturbed.
        until: Seconds after the beginning up to which the face is seen.
        rng: Source of randomness of the disturbance.
    """
    found: list[tuple[float, Perceived]] = []
    for sense in mask.senses:
        stream = trial.streams[sense]
        if sense == mask.disturbed and mask.disturb is not None:
            stream = mask.disturb(stream, rng)
        if sense == "face":
            stream = tuple(
                replace(stream[frame % len(stream)], captured_at=frame / FRAME_RATE, person=PERSON)
                for frame in range(round(until * FRAME_RATE) + 1)
            )
        delay = LATE_S if sense == mask.disturbed and mask.late else 0.0
        attended = PERSON if sense == "face" else None
        found += [(seen.captured_at + delay, Perceived(sense, (seen,), attended=attended)) for seen in stream]
    return sorted(found, key=lambda one: one[0])


@dataclass(frozen=True)
class Result:
    """What the fusion says at the moments of `READ_AT`."""

    posterior: Mapping[float, NDArray[np.float64]]
    """Moment → (n, 7) fused posteriors."""
    decided: Mapping[float, NDArray[np.int64]]
    """Moment → (n,) indices of the reported labels."""
    label: NDArray[np.int64]
    """(n,) indices of the true labels."""
    trust: Mapping[Sense, float]
    """Sense → trust at the end."""


def play(
    trials: Sequence[Trial],
    mask: Mask,
    seed: int,
    numbers: Parameters | None = None,
    times: Collection[float] = READ_AT,
    prior: Mapping[config.Label, float] = EQUAL_PRIOR,
    *,
    mode: Literal["decision", "feature"] = "decision",
) -> Result:
    """Plays all trials in a random order, as one session of a device.

    Each trial is about another person. What is disturbed stays so for the whole session, and the trust in the senses is
    kept from trial to trial.

    Args:
        trials: The n trials.
        mask: Which senses are given and how one is disturbed.
        seed: Seed of the order and of the disturbance.
        numbers: The numbers of the fusion; None for the shipped ones.
        times: Seconds after the beginning of a trial at which the label is read.
        prior: Label → how often it occurs, as configured.
        mode: What is fused, as configured.
    """
    rng = np.random.default_rng(seed)
    settings = config.Fusion(prior=dict(prior), mode=mode)
    period = 1.0 / settings.rate_hz
    posterior = {time: np.zeros((len(trials), COUNT)) for time in times}
    decided = {time: np.zeros(len(trials), np.int64) for time in times}
    trust: Trust | None = None
    fusion = Fusion(settings, numbers=numbers)
    for turn, number in enumerate(rng.permutation(len(trials)).tolist()):
        fusion = Fusion(settings, numbers=numbers, trust=trust)
        trust = fusion.trust
        start = turn * _APART_S
        pending = arrivals(trials[number], mask, max(times), rng)
        for tick in range(round(max(times) / period) + 1):
            now = tick * period
            while pending and pending[0][0] <= now + 1e-9:
                fusion.take(_moved(pending.pop(0)[1], start))
            estimate = fusion.estimates(start + now)[0]
            for time in times:
                if abs(now - time) < period / 2:
                    posterior[time][number] = estimate.posterior
                    decided[time][number] = LABELS.index(estimate.label)
    assert trust is not None
    values = dict(zip(SENSES, trust.of(SENSES), strict=True))
    return Result(posterior, decided, np.array([trial.label for trial in trials]), values)


def _moved(perceived: Perceived, start: float) -> Perceived:
    """The same result of a sense, captured `start` seconds later."""
    moved: Iterable[Observation] = (
        replace(seen, captured_at=seen.captured_at + start) for seen in perceived.observations
    )
    return replace(perceived, observations=tuple(moved))
