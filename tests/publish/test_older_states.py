"""Readers of this version understand what devices of the first schema publish."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from support.payload_samples import blind_estimate, state

from edge.clock import REPLAY
from edge.publish.decoding import decode_state
from edge.publish.encoding import encode, state_payload
from edge.publish.payloads import State

ADDED = ("second", "conflict", "since", "without_baseline", "others")


def first_schema(payload: State) -> dict[str, Any]:
    """The state as a device of the first schema publishes it."""
    message: dict[str, Any] = json.loads(encode(payload))
    for name in ADDED:
        del message[name]
    for part in message["contributions"].values():
        del part["baseline"], part["attribution"]
    return {**message, "schema": "edge-emotion/state/1"}


def as_json(message: object) -> bytes:
    return json.dumps(message).encode()


def test_a_state_of_the_present_schema_is_read_as_it_is() -> None:
    assert decode_state(encode(state())) == state()


def test_a_state_of_the_first_schema_is_read_with_empty_additions() -> None:
    new = state_payload(blind_estimate(), REPLAY, valid_for=1.0)
    assert decode_state(as_json(first_schema(new))) == new
    old = first_schema(state())
    read = decode_state(as_json(old))
    assert (read.label, read.person, read.contributions.voice.weight) == ("happiness", 3, 0.25)
    assert (read.second, read.conflict, read.since, read.without_baseline, read.others) == (None, None, None, None, ())
    assert (read.contributions.face.baseline, read.contributions.voice.attribution) == (0.0, None)
    assert read.schema == "edge-emotion/state/2"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "edge-emotion/state/3"},
        {"schema": None},
        {"label": "joy"},
        {"contributions": None},
        {"contributions": {"face": 3}},
        {"contributions": []},
        {"others": "all"},
    ],
)
def test_anything_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_state(as_json({**first_schema(state()), **change}))


@pytest.mark.parametrize("payload", [b"", b"online", b"[]", b"3", b"\xff", b'{"schema":"edge-emotion/state/1"}'])
def test_what_is_no_state_is_refused(payload: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        decode_state(payload)


def test_deep_nesting_ends_in_an_error() -> None:
    with pytest.raises(RecursionError):
        decode_state(b'{"schema":"edge-emotion/state/1","label":' + b"[" * 50_000)
