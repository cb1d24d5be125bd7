"""Who is tracked, and what belongs together, follows from the payloads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.payload_samples import estimate, observations

from edge.clock import Clock
from edge.publish.encoding import observation_payload, state_payload
from edge.publish.payloads import FaceObservation, State, VoiceObservation
from edge.ros.messages import Expression, IdsList, IdsMatch, Message
from edge.ros.stream import GONE_AFTER_S, MAX_TRACKED, RosStream

CLOCK = Clock(1_700_000_000.0)


def state(person: int, at: float) -> State:
    return state_payload(replace(estimate(at=at), person=person), CLOCK, valid_for=2.0)


def face(person: int, at: float) -> FaceObservation:
    payload = observation_payload(replace(observations()[0], person=person, captured_at=at), CLOCK)
    assert isinstance(payload, FaceObservation)
    return payload


def voice(person: int, at: float) -> VoiceObservation:
    payload = observation_payload(replace(observations()[1], person=person, captured_at=at), CLOCK)
    assert isinstance(payload, VoiceObservation)
    return payload


class Recorded:
    def __init__(self) -> None:
        self.stream = RosStream()

    def __call__(self, payload: State | FaceObservation | VoiceObservation) -> dict[str, Message]:
        return {topic: message for topic, _, message in self.stream.messages(payload)}


def ids(message: Message) -> tuple[str, ...]:
    assert isinstance(message, IdsList)
    return message.ids


def test_each_kind_has_its_topics_and_its_list() -> None:
    add = Recorded()
    first = add(face(2, 1.0))
    assert set(first) == {"/humans/faces/f00002/expression", "/humans/faces/tracked", "/humans/candidate_matches"}
    assert isinstance(first["/humans/faces/f00002/expression"], Expression)
    assert ids(first["/humans/faces/tracked"]) == ("f00002",)
    assert set(add(face(2, 1.1))) == {"/humans/faces/f00002/expression"}
    spoken = add(voice(2, 1.2))
    assert set(spoken) == {"/humans/voices/v00002/expression", "/humans/voices/tracked", "/humans/candidate_matches"}
    match = spoken["/humans/candidate_matches"]
    assert isinstance(match, IdsMatch)
    assert (match.face_id, match.voice_id, match.person_id) == ("f00002", "v00002", "p00002")
    assert set(add(state(2, 1.3))) == {"/humans/persons/p00002/expression", "/humans/persons/tracked"}


def test_who_has_gone_leaves_the_list_and_may_come_back() -> None:
    add = Recorded()
    add(face(1, 0.0))
    add(face(2, 0.5))
    assert "/humans/faces/tracked" not in add(face(2, GONE_AFTER_S))
    assert ids(add(face(2, GONE_AFTER_S + 0.1))["/humans/faces/tracked"]) == ("f00002",)
    assert ids(add(face(1, GONE_AFTER_S + 0.2))["/humans/faces/tracked"]) == ("f00001", "f00002")
    # The scene's state is about nobody, but time passes with it.
    last = add(state(0, 60.0))
    assert set(last) == {"/humans/faces/tracked"}
    assert ids(last["/humans/faces/tracked"]) == ()


def test_the_lists_are_bounded() -> None:
    add = Recorded()
    for person in range(1, 3 * MAX_TRACKED):
        listed = add(face(person, 1.0))
    assert len(ids(listed["/humans/faces/tracked"])) <= MAX_TRACKED
    assert f"f{3 * MAX_TRACKED - 1:05d}" in ids(listed["/humans/faces/tracked"])


def test_messages_carry_the_time_of_the_data() -> None:
    times = {at for _, at, _ in RosStream().messages(face(1, 2.5))}
    assert [(at.sec, at.nanosec) for at in times] == [(1_700_000_002, 500_000_000)]


def test_a_time_that_ros_cannot_express_is_refused() -> None:
    stream = RosStream()
    early = state_payload(estimate(at=0.0), Clock(-5.0), valid_for=2.0)
    with pytest.raises(ValueError, match="outside the times of ROS"):
        list(stream.messages(early))
