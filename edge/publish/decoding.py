"""Reads states as devices of this version and of earlier ones publish them."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from edge.publish.payloads import State, schema_of

_FIRST: Final = "edge-emotion/state/1"
"""Schema of the states that devices published before they had persons."""
_ADDED: Final[dict[str, Any]] = {
    "second": None,
    "conflict": None,
    "since": None,
    "without_baseline": None,
    "others": (),
}
"""Fields that the second schema has added to a state, with what they are where nothing is known."""
_ADDED_TO_CONTRIBUTION: Final[dict[str, Any]] = {"baseline": 0.0, "attribution": None}
"""Fields that the second schema has added to a contribution."""


def decode_state(payload: bytes) -> State:
    """Decodes a state of any schema known so far; fields that an older schema lacks are empty.

    Raises:
        ValueError: The payload is not JSON or not a state (`msgspec.DecodeError`).
        RecursionError: The JSON is nested too deep.
    """
    try:
        return msgspec.json.decode(payload, type=State)
    except msgspec.ValidationError:
        fields = msgspec.json.decode(payload)
        if not isinstance(fields, dict) or fields.get("schema") != _FIRST:
            raise
    return msgspec.convert(_upgraded(fields), State)


def _upgraded(fields: dict[str, Any]) -> dict[str, Any]:
    contributions = fields.get("contributions")
    if isinstance(contributions, dict):
        contributions = {
            sense: {**_ADDED_TO_CONTRIBUTION, **part} if isinstance(part, dict) else part
            for sense, part in contributions.items()
        }
    return {**_ADDED, **fields, "contributions": contributions, "schema": schema_of(State)}
