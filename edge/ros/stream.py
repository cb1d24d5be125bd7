"""The ROS messages that follow from a stream of payloads, with the names of their topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeAlias

from edge.publish.payloads import FaceObservation, State, VoiceObservation
from edge.ros import mapping
from edge.ros.messages import Message, Time

GONE_AFTER_S: Final = 2.0
"""A face that was not seen for this many seconds leaves the list of tracked faces, and likewise a voice and a person.

It is the time for which a state is valid by default."""

MAX_TRACKED: Final = 64
"""Largest number of identifiers in a list. The one that was seen longest ago leaves it."""

Stamped: TypeAlias = tuple[str, Time, Message]
"""Topic, time of the data, and message."""


class RosStream:
    """Turns payloads, in the order of their times, into ROS messages. Not thread-safe.

    Topics are those of REP-155: `/humans/faces/<id>/expression`, `/humans/{faces,voices,persons}/tracked` and
    `/humans/candidate_matches`. REP-155 has no topic for the expression of a voice or a whole person; those are
    `/humans/voices/<id>/expression` and `/humans/persons/<id>/expression`.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, float]] = {"faces": {}, "voices": {}, "persons": {}}
        """Kind → identifier → seconds when it was seen last, oldest first."""
        self._published: dict[str, tuple[str, ...]] = {}
        self._matches: set[tuple[int, bool, bool]] = set()

    def messages(self, payload: State | FaceObservation | VoiceObservation) -> Iterator[Stamped]:
        """The messages that follow from one payload. Raises `ValueError` if ROS cannot express its time."""
        at = mapping.stamp(payload.captured_at)
        kind, identity = _kind(payload)
        # Person 0 stands for the scene: nobody in particular.
        if payload.person > 0:
            name = identity(payload.person)
            self._see(kind, name, at.sec + at.nanosec * 1e-9)
            yield f"/humans/{kind}/{name}/expression", at, mapping.expression(payload)
            yield from self._new_match(payload.person, at)
        else:
            self._drop_gone(at.sec + at.nanosec * 1e-9)
        for each, seen in self._seen.items():
            ids = tuple(sorted(seen))
            if self._published.get(each, ()) != ids:
                self._published[each] = ids
                yield f"/humans/{each}/tracked", at, mapping.tracked(payload.captured_at, ids)

    def _see(self, kind: str, name: str, now: float) -> None:
        self._seen[kind].pop(name, None)
        self._seen[kind][name] = now
        self._drop_gone(now)

    def _drop_gone(self, now: float) -> None:
        for seen in self._seen.values():
            for name, at in list(seen.items()):
                if now - at > GONE_AFTER_S or len(seen) > MAX_TRACKED:
                    del seen[name]

    def _new_match(self, person: int, at: Time) -> Iterator[Stamped]:
        face = mapping.face_id(person) in self._seen["faces"]
        voice = mapping.voice_id(person) in self._seen["voices"]
        known = (person, face, voice)
        if known in self._matches or not (face or voice):
            return
        if len(self._matches) >= 4 * MAX_TRACKED:
            self._matches.clear()
        self._matches.add(known)
        yield "/humans/candidate_matches", at, mapping.match(person, face=face, voice=voice)


def _kind(payload: State | FaceObservation | VoiceObservation) -> tuple[str, Callable[[int], str]]:
    if isinstance(payload, FaceObservation):
        return "faces", mapping.face_id
    if isinstance(payload, VoiceObservation):
        return "voices", mapping.voice_id
    return "persons", mapping.person_id
