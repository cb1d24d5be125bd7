"""What a state says beside its label, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.payload_samples import blind_estimate, estimate, posterior

from edge.clock import REPLAY
from edge.observation import Contribution, Estimate, OtherPerson, Sense
from edge.publish.encoding import state_payload
from edge.publish.payloads import State
from edge.terminal.remarks import LEAST_CONFLICT, MAX_OTHERS, mostly, remarks
from edge.terminal.view import DeviceView, Style, line, render


def shown(one: Estimate) -> State:
    return state_payload(one, REPLAY, valid_for=1.0)


def weighing(**weights: float) -> State:
    senses: tuple[Sense, ...] = ("face", "voice", "words")
    parts = tuple(
        Contribution(sense, weights[sense], 0.9, 0.1, posterior("anger", 0.6))
        if sense in weights
        else Contribution(sense, 0.0, 0.0, None, None, "off")
        for sense in senses
    )
    return shown(replace(estimate(), contributions=parts))


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"face": 0.2, "voice": 0.8}, "mostly the voice"),
        ({"face": 0.55, "words": 0.45}, "mostly the face"),
        ({"face": 0.54, "words": 0.46}, "face and words together"),
        ({"face": 0.4, "voice": 0.3, "words": 0.3}, "face, voice and words together"),
        ({"voice": 0.96, "words": 0.04}, "only the voice"),
        ({"words": 1.0}, "only the words"),
        ({"words": 0.0}, ""),
        ({}, ""),
    ],
)
def test_the_largest_contribution_is_put_into_words(weights: dict[str, float], said: str) -> None:
    assert mostly(weighing(**weights)) == said


def test_all_remarks_in_their_order() -> None:
    assert remarks(shown(estimate())) == [
        "mostly the face",
        "beside it surprise 5%",
        "conflict 0.51: face happiness against voice neutral",
        "baseline: face 25%; without it sadness 40%",
        "also here: person 1 anger 61%, person 8 neutral 33%",
    ]


def test_without_evidence_there_is_nothing_to_remark() -> None:
    assert remarks(shown(blind_estimate())) == []


def test_a_small_conflict_is_not_shown() -> None:
    for amount, there in ((LEAST_CONFLICT, True), (LEAST_CONFLICT - 0.001, False)):
        text = " ".join(remarks(shown(replace(estimate(), conflict=amount))))
        assert ("conflict" in text) == there


def test_a_baseline_without_effect_yet_is_shown_without_the_other_label() -> None:
    text = remarks(shown(replace(estimate(), without_baseline=None)))
    assert "baseline: face 25%" in text


def test_of_many_persons_some_are_named_and_the_rest_counted() -> None:
    crowd = tuple(OtherPerson(number, "fear", 0.5) for number in range(4, 16))
    text = remarks(shown(replace(estimate(), others=crowd)))[-1]
    assert text.count("person") == MAX_OTHERS
    assert text.endswith("person 7 fear 50% and 8 more")
    exact = remarks(shown(replace(estimate(), others=crowd[:MAX_OTHERS])))[-1]
    assert "more" not in exact


def test_the_frame_and_the_line_show_the_remarks() -> None:
    view = DeviceView("robot", "online", shown(estimate()))
    frame = render([view], Style(width=80, colour=False), 12.6)
    plain = line(view)
    for remark in remarks(shown(estimate())):
        assert any(remark in row for row in frame)
        assert remark in plain
    narrow = render([view], Style(width=60, colour=True), 12.6)
    assert any("conflict 0.51" in text for text in narrow)


def test_one_device_with_all_remarks_and_notes_fits_a_terminal_of_24_lines() -> None:
    view = DeviceView("robot", "online", shown(estimate()))
    rows = render([view], Style(width=80, colour=False), 12.6, ["warning"] * 3)
    assert len(rows) <= 23
    first = next(number for number, row in enumerate(rows) if "mostly" in row)
    assert rows[first : first + 3] == [
        "  mostly the face   beside it surprise 5%",
        "  conflict 0.51: face happiness against voice neutral",
        "  baseline: face 25%; without it sadness 40%",
    ]
