"""The labels and their plane."""

from __future__ import annotations

import pytest

from edge.emotions import COUNT, LABELS, NEUTRAL, UNIFORM, top, valence_arousal


def test_the_order_is_alphabetical_and_complete() -> None:
    assert list(LABELS) == sorted(LABELS)
    assert COUNT == 7
    assert LABELS[NEUTRAL] == "neutral"
    assert sum(UNIFORM) == pytest.approx(1)


@pytest.mark.parametrize("label", LABELS)
def test_top_names_the_most_probable(label: str) -> None:
    assert top([float(name == label) for name in LABELS]) == label


def test_valence_and_arousal_have_the_signs_of_the_words() -> None:
    plane = {label: valence_arousal([float(name == label) for name in LABELS]) for label in LABELS}
    assert plane["neutral"] == (0.0, 0.0)
    assert plane["happiness"][0] > 0.5
    assert all(plane[label][0] < 0 for label in ("anger", "disgust", "fear", "sadness"))
    assert plane["sadness"][1] < 0 < plane["anger"][1]
    half = valence_arousal([0.5 * (name in ("happiness", "neutral")) for name in LABELS])
    assert half == pytest.approx([value / 2 for value in plane["happiness"]])
