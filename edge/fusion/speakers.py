"""The names that a speech recogniser gives to speakers, and the tracked persons whom they belong to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from edge.errors import EdgeEmotionError
from edge.observation import Observation, Perceived

MAX_SPEAKERS: Final = 64
"""Number of names that are kept. A further one displaces the name that was assigned longest ago."""
MAX_NAME: Final = 200
"""Largest length of a name in characters."""


class SpeakerError(EdgeEmotionError, ValueError):
    """A name cannot be assigned to a person."""


class Speakers:
    """Assigns names to persons, in memory only. A name is forgotten together with its person. Not thread-safe."""

    def __init__(self) -> None:
        self._persons: dict[str, int] = {}

    def assign(self, speaker: str, person: int | None, known: Collection[int]) -> None:
        """Makes `speaker` the name of a person, in place of whom it meant before.

        Args:
            speaker: The name as the recogniser gives it, of 1 to `MAX_NAME` characters.
            person: Track id of the person; None to forget the name.
            known: Track ids of all persons remembered.

        Raises:
            SpeakerError: The name is empty or too long, or the person is not remembered.
        """
        if not speaker or len(speaker) > MAX_NAME:
            raise SpeakerError(f"a speaker's name has 1 to {MAX_NAME} characters, not {len(speaker)}")
        if person is not None and person not in known:
            raise SpeakerError(f"there is no person {person}; `state` and `face` name those who are seen")
        # Removing the name first keeps the dictionary in the order of assignment.
        self._persons.pop(speaker, None)
        if person is None:
            return
        self._persons[speaker] = person
        while len(self._persons) > MAX_SPEAKERS:
            del self._persons[next(iter(self._persons))]

    def forget(self, person: int) -> None:
        """Forgets all names of a person."""
        self._persons = {speaker: other for speaker, other in self._persons.items() if other != person}

    def resolve(self, perceived: Perceived) -> Perceived:
        """Returns `perceived` with the person filled in where an observation's speaker has been assigned to one."""
        if not self._persons or not any(observation.speaker for observation in perceived.observations):
            return perceived
        return replace(perceived, observations=tuple(map(self._resolve, perceived.observations)))

    def _resolve(self, observation: Observation) -> Observation:
        person = self._persons.get(observation.speaker) if observation.speaker else None
        return observation if person is None or observation.person else replace(observation, person=person)
