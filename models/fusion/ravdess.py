"""RAVDESS, eight classes, actors left out: voice and face alone, fused in several ways, and with one sense disturbed.

Everything learnt for a fold comes from the outputs for the other four: exponents, baselines, weights, temperatures. The
person's baseline runs over the clips seen before in a random order, without their labels. Clips of the tested fold
choose nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.fusion import adaptive, concatenation, masks, products
from models.fusion.published import LABELS, ours, published
from models.fusion.readings import Readings, masked, shuffled
from models.fusion.rows import Row, row
from models.fusion.running import against_baseline, population

SEED: Final = 2015
"""Seed of the order of the clips, of masks and of weights."""
STRENGTHS: Final = (3.0, 6.0, 12.0, 24.0)
"""Strengths of the population in a baseline, in clips, among which the training folds choose."""
ALL: Final = "voice+face"
"""Name of the condition without a mask."""
NAMES: Final = {
    published: "RAVDESS, 8 classes, five folds by actor, published voice and face posteriors",
    ours: "RAVDESS, 8 classes, five folds by actor, our int8 voice and action-unit nets",
}
"""Protocol of each source of readings."""
WITH_BASELINE: Final = ", person's baseline"
"""End of the name of a fusion that subtracts what a sense usually says of the person."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """The readings under one condition, with the order in which the clips are seen."""

    name: str
    given: Readings
    order: NDArray[np.int64]

    def fold(self, number: int) -> tuple[Readings, NDArray[np.int64]]:
        """The clips of one fold, and their order."""
        inside = self.given.folds == number
        places = np.cumsum(inside) - 1
        return self.given.rows(inside), places[[place for place in self.order if inside[place]]]


def cases(given: Readings) -> list[Case]:
    """The undisturbed readings, then each mask of each sense."""
    order = shuffled(given, SEED)
    found = [Case(ALL, given, order)]
    for number, sense in enumerate(given.senses):
        for other, mask in enumerate(masks.MASKS):
            rng = np.random.default_rng((SEED, number, other))
            found.append(Case(f"{sense} {mask}", masked(given, sense, mask, order, rng), order))
    return found


def best_strength(given: Readings, powers: tuple[float, ...], seed: int) -> float:
    """The strength of the population in a person's baseline with which the product does best on these clips."""
    raised = adaptive.powered(given, powers)
    known, order = population(raised), shuffled(given, seed)

    def loss(strength: float) -> float:
        return products.loss(products.plain(against_baseline(raised, known, order, strength)), given.truth)

    return min(STRENGTHS, key=loss)


def rows(data: Path, quick: bool) -> Iterator[Row]:
    """The rows of both sources of readings; a quick run leaves the masks out and trains the networks for one epoch."""
    for source, protocol in NAMES.items():
        yield from measured(source(data), protocol, quick)


def measured(given: Readings, protocol: str, quick: bool) -> Iterator[Row]:
    """The rows of one source of readings.

    Args:
        given: What the senses say.
        protocol: Name of the protocol.
        quick: Whether to leave the masks out and to train for one epoch.
    """
    for sense in given.senses:
        alone = products.plain(given.only(sense))
        yield row(protocol, sense, sense, alone, given.truth, labels=LABELS)
    yield row(protocol, "product", ALL, products.plain(given), given.truth, labels=LABELS)
    conditions = cases(given)[:1] if quick else cases(given)
    for name, posteriors in fused(given, conditions, quick).items():
        for case in conditions:
            yield row(protocol, name, case.name, posteriors[case.name], given.truth, labels=LABELS)


def fused(given: Readings, conditions: list[Case], quick: bool) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Fusion → condition → (n, 8) posteriors, each clip by what was learnt from the folds of other actors."""
    found: dict[str, dict[str, NDArray[np.float64]]] = {}

    def put(name: str, case: Case, number: int, posterior: NDArray[np.float64]) -> None:
        table = found.setdefault(name, {}).setdefault(case.name, np.zeros((len(given), len(LABELS))))
        table[given.folds == number] = posterior

    for number in np.unique(given.folds):
        known = given.rows(given.folds != number)
        powers = products.learn(known)
        strength = best_strength(known, powers, SEED)
        usual = population(adaptive.powered(known, powers))
        side_by_side = concatenation.learn(known, SEED)
        settings = adaptive.Settings(powers)
        if quick:
            settings = replace(settings, epochs=1)
        plain = adaptive.learn(known, settings, SEED)
        with_baseline = adaptive.learn(known, replace(settings, baseline=strength), SEED)
        for case in conditions:
            test, order = case.fold(int(number))
            put("learnt product", case, number, products.fused(test, powers))
            put("concatenation", case, number, concatenation.posterior(side_by_side, test))
            put("adaptive", case, number, plain.posterior(test, order))
            based = against_baseline(adaptive.powered(test, powers), usual, order, strength)
            put("learnt product" + WITH_BASELINE, case, number, products.plain(based))
            put("adaptive" + WITH_BASELINE, case, number, with_baseline.posterior(test, order))
    return found
