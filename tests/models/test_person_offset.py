"""How much of the logits is the person: variance components and what a correction leaves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.face.protocols.person_offset import components, left_over


def persons(person: float, video: float, frame: float, count: int = 400) -> dict[str, dict[str, NDArray[np.float64]]]:
    """Seven logits with these standard deviations; three videos of four frames of each person."""
    rng = np.random.default_rng(1)
    found: dict[str, dict[str, NDArray[np.float64]]] = {}
    for p in range(count):
        own = rng.normal(0, person, 7)
        found[f"p{p}"] = {f"p{p}_{v}": own + rng.normal(0, video, 7) + rng.normal(0, frame, (4, 7)) for v in range(3)}
    return found


@pytest.mark.parametrize("deviations", [(1.0, 1.0, 1.0), (2.0, 1.0, 0.5), (0.0, 1.0, 1.0)])
def test_the_components_are_those_that_the_logits_were_made_with(deviations: tuple[float, float, float]) -> None:
    variances = np.square(deviations) / np.square(deviations).sum()
    shares = components(persons(*deviations))
    assert (shares.person, shares.video, shares.frame) == pytest.approx(tuple(variances), abs=0.06)


def test_correcting_helps_where_persons_differ_and_costs_where_they_do_not() -> None:
    alike, unlike = persons(0.0, 1.0, 1.0), persons(2.0, 0.5, 0.5)
    assert left_over(unlike, 4) < 0.25
    assert left_over(alike, 0) > 1.1
    assert left_over(alike, 1e9) == pytest.approx(1.0)
    assert left_over(alike, 0) > left_over(alike, 32) > 1.0
