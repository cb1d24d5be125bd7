"""Labels, times and identifiers in the words of REP-155, and back without loss."""

from __future__ import annotations

import pytest
from support.payload_samples import estimate

from edge.clock import Clock
from edge.emotions import LABELS
from edge.publish.encoding import observation_payload, state_payload
from edge.publish.payloads import FaceObservation
from edge.ros import mapping
from edge.ros.bag import Serialiser
from edge.ros.messages import Expression, Header, IdsList, IdsMatch, Time

CONSTANTS = (
    "neutral angry sad happy surprised disgusted scared pleading vulnerable despaired guilty disappointed embarrassed "
    "horrified skeptical annoyed furious suspicious rejected bored tired asleep confused amazed excited"
)
"""All constants of `hri_msgs/msg/Expression`."""


def test_every_constant_is_handled_and_every_label_comes_back() -> None:
    assert sorted(mapping.EXPRESSIONS) == sorted(CONSTANTS.split())
    assert len(mapping.EXPRESSIONS) == 25
    for label in LABELS:
        assert mapping.LABEL_OF[mapping.EXPRESSION_OF[label]] == label
    assert {label for label in mapping.LABEL_OF.values() if label is not None} == set(LABELS)
    assert mapping.LABEL_OF["furious"] == "anger"
    assert mapping.LABEL_OF["tired"] is None


@pytest.mark.parametrize(
    ("moment", "time"),
    [
        ("1970-01-01T00:00:00.000Z", Time(0, 0)),
        ("1970-01-01T00:00:00.001Z", Time(0, 1_000_000)),
        ("2026-11-21T06:08:31.120Z", Time(1_795_241_311, 120_000_000)),
        ("2038-01-19T03:14:07.999Z", Time(2**31 - 1, 999_000_000)),
    ],
)
def test_times_come_back(moment: str, time: Time) -> None:
    assert mapping.stamp(moment) == time
    assert mapping.moment(time) == moment


def test_a_time_in_another_zone_is_the_same_moment() -> None:
    assert mapping.stamp("2026-11-21T07:08:31.120+01:00") == mapping.stamp("2026-11-21T06:08:31.120Z")


@pytest.mark.parametrize(
    "moment", ["1969-12-31T23:59:59.999Z", "2038-01-19T03:14:08.000Z", "2026-11-21T06:08:31", "yesterday", ""]
)
def test_times_that_ros_cannot_express(moment: str) -> None:
    with pytest.raises(ValueError, match=r"ROS|time zone|isoformat"):
        mapping.stamp(moment)


def test_a_state_loses_nothing_of_what_a_message_can_say() -> None:
    state = state_payload(estimate("anger", 0.8), Clock(1_700_000_000.0), valid_for=2.0)
    message = mapping.expression(state)
    serialiser = Serialiser()
    back = serialiser.read(serialiser.cdr(message), Expression)
    assert isinstance(back, Expression)
    assert mapping.LABEL_OF[back.expression] == state.label == "anger"
    assert mapping.moment(back.header.stamp) == state.captured_at
    assert back.header.frame_id == ""
    for field in ("valence", "arousal", "confidence"):
        assert getattr(back, field) == pytest.approx(getattr(state, field), abs=1e-7)


def test_a_face_names_its_frame() -> None:
    from support.payload_samples import observations

    payload = observation_payload(observations()[0], Clock(1_700_000_000.0))
    assert isinstance(payload, FaceObservation)
    assert mapping.expression(payload).header.frame_id == f"face_{mapping.face_id(payload.person)}"


def test_identifiers_differ_between_kinds_and_sort() -> None:
    made = [of(9) for of in (mapping.face_id, mapping.voice_id, mapping.person_id)]
    assert len(set(made)) == 3
    assert mapping.person_id(9) < mapping.person_id(10)


def test_lists_and_matches_come_back() -> None:
    serialiser = Serialiser()
    listed = mapping.tracked("2026-11-21T06:08:31.120Z", {"p00002", "p00001"})
    assert listed == IdsList(Header(Time(1_795_241_311, 120_000_000), ""), ("p00001", "p00002"))
    assert serialiser.read(serialiser.cdr(listed), IdsList) == listed
    for face, voice in ((True, True), (True, False), (False, True)):
        match = mapping.match(7, face=face, voice=voice)
        assert bool(match.face_id) is face
        assert (match.face_match_confidence, match.voice_match_confidence) == (float(face), float(voice))
        assert bool(match.voice_id) is voice
        assert serialiser.read(serialiser.cdr(match), IdsMatch) == match
