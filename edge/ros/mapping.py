"""Labels and payloads of this device in the words of REP-155, and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from edge.clock import rfc3339
from edge.emotions import LABELS
from edge.publish.payloads import FaceObservation, State, VoiceObservation
from edge.ros.messages import Expression, Header, IdsList, IdsMatch, Time

EXPRESSION_OF: Final[dict[str, str]] = {
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "scared",
    "happiness": "happy",
    "neutral": "neutral",
    "sadness": "sad",
    "surprise": "surprised",
}
"""Label of this device → constant of `hri_msgs/msg/Expression`."""

LABEL_OF: Final[dict[str, str | None]] = {
    **{expression: label for label, expression in EXPRESSION_OF.items()},
    "furious": "anger",
    "annoyed": "anger",
    "horrified": "fear",
    "vulnerable": "fear",
    "despaired": "sadness",
    "disappointed": "sadness",
    "rejected": "sadness",
    "pleading": "sadness",
    "excited": "happiness",
    "amazed": "surprise",
    # Ekman's categories have no place for these.
    "guilty": None,
    "embarrassed": None,
    "skeptical": None,
    "suspicious": None,
    "bored": None,
    "tired": None,
    "asleep": None,
    "confused": None,
}
"""Every constant of `hri_msgs/msg/Expression` → the nearest label of this device; None where none is near."""

EXPRESSIONS: Final = tuple(LABEL_OF)
"""Every constant of `hri_msgs/msg/Expression`."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def stamp(moment: str) -> Time:
    """Converts a moment of a payload to ROS time. The milliseconds of the payload are kept exactly.

    `moment`: RFC 3339, such as `2026-11-21T06:08:31.120Z`. Raises `ValueError` for another form, or a moment before
    1970 or after 2038, which ROS cannot express.
    """
    at = datetime.fromisoformat(moment)
    if at.tzinfo is None:
        raise ValueError(f"{moment} has no time zone")
    sec, rest = divmod((at - _EPOCH) // timedelta(microseconds=1), 1_000_000)
    if not 0 <= sec < 2**31:
        raise ValueError(f"{moment} lies outside the times of ROS, 1970 to 2038")
    return Time(sec, rest * 1000)


def moment(time: Time) -> str:
    """Converts ROS time to the form of the payloads; a fraction of a millisecond is cut off."""
    return rfc3339(time.sec * 1000 + time.nanosec // 1_000_000)


def face_id(person: int) -> str:
    """REP-155's identifier of the face of a person whom this device tracks."""
    return f"f{person:05d}"


def person_id(person: int) -> str:
    """REP-155's identifier of a person whom this device tracks."""
    return f"p{person:05d}"


def voice_id(person: int) -> str:
    """REP-155's identifier of the voice of a person whom this device tracks."""
    return f"v{person:05d}"


def expression(payload: State | FaceObservation | VoiceObservation) -> Expression:
    """What a payload says somebody expresses. The frame is REP-155's `face_<id>` for a face, else empty.

    Raises `ValueError` if the time of the payload cannot be expressed in ROS.
    """
    frame = f"face_{face_id(payload.person)}" if isinstance(payload, FaceObservation) else ""
    return Expression(
        header=Header(stamp(payload.captured_at), frame),
        expression=EXPRESSION_OF[payload.label],
        valence=payload.valence,
        arousal=payload.arousal,
        confidence=payload.confidence,
    )


def tracked(captured_at: str, ids: Iterable[str]) -> IdsList:
    """Who is tracked at a moment. Raises `ValueError` as `stamp` does."""
    return IdsList(Header(stamp(captured_at), ""), tuple(sorted(ids)))


def match(person: int, *, face: bool, voice: bool) -> IdsMatch:
    """Which face and voice belong to a person. This device gives both the person's own number, so that it is certain.

    Args:
        person: Track id of the person.
        face: Whether the person's face was seen.
        voice: Whether a voice was attributed to the person.
    """
    return IdsMatch(
        face_id=face_id(person) if face else "",
        face_match_confidence=float(face),
        body_id="",
        body_match_confidence=0.0,
        voice_id=voice_id(person) if voice else "",
        voice_match_confidence=float(voice),
        person_id=person_id(person),
    )


assert tuple(EXPRESSION_OF) == LABELS
