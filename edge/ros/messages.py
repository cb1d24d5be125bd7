"""The ROS 2 messages that are written: `hri_msgs` of REP-155, as types whose JSON and CDR have ROS's field names.

REP-155: https://www.ros.org/reps/rep-0155.html. A message is plain data; `edge.ros.bag` serialises it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec


class Time(msgspec.Struct, frozen=True):
    """`builtin_interfaces/msg/Time`."""

    sec: int
    """Whole seconds since 1970."""
    nanosec: int
    """Nanoseconds on top of them, 0…999,999,999."""


class Header(msgspec.Struct, frozen=True):
    """`std_msgs/msg/Header`."""

    stamp: Time
    """When the data was captured at the sensor."""
    frame_id: str
    """Coordinate frame; empty where the data has no place in space."""


class Expression(msgspec.Struct, frozen=True):
    """`hri_msgs/msg/Expression`: what somebody expresses."""

    header: Header
    expression: str
    """One of `edge.ros.mapping.EXPRESSIONS`."""
    valence: float
    """−1…1."""
    arousal: float
    """−1…1."""
    confidence: float
    """0…1."""


class IdsList(msgspec.Struct, frozen=True):
    """`hri_msgs/msg/IdsList`: who is tracked now."""

    header: Header
    ids: tuple[str, ...]
    """Identifiers, sorted."""


class IdsMatch(msgspec.Struct, frozen=True):
    """`hri_msgs/msg/IdsMatch`: which face, body and voice probably belong to the same person."""

    face_id: str
    face_match_confidence: float
    body_id: str
    body_match_confidence: float
    voice_id: str
    voice_match_confidence: float
    person_id: str


Message: TypeAlias = Expression | IdsList | IdsMatch
"""A message that is written on a topic of its own."""

DEFINITIONS: Final[dict[type[Message], tuple[str, str]]] = {
    Expression: (
        "hri_msgs/msg/Expression",
        "std_msgs/Header header\nstring expression\nfloat32 valence\nfloat32 arousal\nfloat32 confidence\n",
    ),
    IdsList: ("hri_msgs/msg/IdsList", "std_msgs/Header header\nstring[] ids\n"),
    IdsMatch: (
        "hri_msgs/msg/IdsMatch",
        "string face_id\nfloat32 face_match_confidence\nstring body_id\nfloat32 body_match_confidence\n"
        "string voice_id\nfloat32 voice_match_confidence\nstring person_id\n",
    ),
}
"""Type → its ROS name, and its fields in ROS's interface language, without the constants."""
