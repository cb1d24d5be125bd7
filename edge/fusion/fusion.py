"""Decision fusion: what the senses perceive becomes one estimate per person, or one of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge import config
from edge.emotions import valence_arousal
from edge.fusion.evidence import Evidence, Opinion
from edge.fusion.person import PersonState
from edge.fusion.pool import log_pool
from edge.observation import SENSES, Contribution, Estimate, Observation, Perceived, Sense

SCENE: Final = 0
"""The person id of an estimate that is about nobody in particular."""

MAX_PERSONS: Final = 32
"""States that are kept at once; beyond this, the person who was seen longest ago is forgotten."""

_SILENT: Final[Mapping[Sense, str]] = {"face": "no face", "voice": "silence", "words": "no words"}
_NOT_ATTENDED: Final = "not attended to"
"""Voices and words are not yet attributed to persons: they count for the attended person alone."""


class Fusion:
    """Takes what the senses perceive, in any order, and gives estimates when asked.

    Times must not run backwards by more than the senses' memories. Not thread-safe.
    """

    def __init__(self, settings: config.Fusion) -> None:
        self._settings = settings
        self._trust: dict[Sense, float] = {
            "face": settings.face_trust,
            "voice": settings.voice_trust,
            "words": settings.words_trust,
        }
        self._heard: dict[Sense, Evidence] = {
            "voice": Evidence(settings.voice_memory_s),
            "words": Evidence(settings.words_memory_s),
        }
        self._conditions: dict[Sense, str | None] = dict.fromkeys(SENSES)
        self._attended = SCENE
        self._persons: dict[int, PersonState] = {SCENE: PersonState(settings)}
        """Person id → state, the least recently seen first; the scene's and the attended person's are always there."""

    def take(self, perceived: Perceived) -> None:
        """Takes what came of one frame, chunk of sound or transcript."""
        if perceived.attended is not None:
            self._attend(perceived.attended)
        self.report(perceived.sense, perceived.condition)
        for observation in perceived.observations:
            self._add(observation)

    def report(self, sense: Sense, condition: str | None) -> None:
        """Why `sense` gives nothing at the moment (`no face`, `camera gone: …`); None where it is well."""
        self._conditions[sense] = condition

    def estimates(self, now: float) -> tuple[Estimate, ...]:
        """Every estimate at `now` (seconds).

        The first is about the attended person, or about the scene while nobody has been attended to; it is what the
        `state` topic publishes. The others, by person id, are about the other persons in sight.
        """
        self._forget_expired(now)
        others = sorted(person for person in self._persons if person not in (SCENE, self._attended))
        return (self._estimate(self._attended, now), *(self._estimate(person, now) for person in others))

    def _attend(self, person: int) -> None:
        """From now on the first estimate is about `person`.

        The estimate that had been made of another person is not carried over, and what the new person's face showed
        before counts no more than it did while nobody looked; voice and words stay.
        """
        if person == self._attended:
            return
        before = self._persons[self._attended]
        state = PersonState(self._settings)
        if self._attended == SCENE:
            state.steady.take_over(before.steady)
        else:
            state.steady.restart(before.steady)
        self._persons.pop(person, None)
        self._persons[person] = state
        self._attended = person
        self._bound()

    def _add(self, observation: Observation) -> None:
        if observation.sense != "face":
            self._heard[observation.sense].add(observation)
            return
        person = observation.person or self._attended
        state = self._persons.pop(person, None) or PersonState(self._settings)
        # Moved to the end: the order of the dictionary is that of the last sighting.
        self._persons[person] = state
        state.face.add(observation)
        self._bound()

    def _bound(self) -> None:
        spare = [person for person in self._persons if person not in (SCENE, self._attended)]
        for person in spare[: max(0, len(self._persons) - MAX_PERSONS)]:
            del self._persons[person]

    def _forget_expired(self, now: float) -> None:
        for person, state in list(self._persons.items()):
            if person not in (SCENE, self._attended) and state.expired(now):
                del self._persons[person]

    def _estimate(self, person: int, now: float) -> Estimate:
        state = self._persons[person]
        evidence: dict[Sense, Evidence] = {"face": state.face}
        if person == self._attended:
            evidence |= self._heard
        found = {sense: part.opinion(now) for sense, part in evidence.items()}
        opinions = {sense: opinion for sense, opinion in found.items() if opinion is not None}
        weights = {
            sense: self._trust[sense] * opinion.quality * opinion.freshness for sense, opinion in opinions.items()
        }
        posterior = state.steady.follow(log_pool(opinions, weights), now)
        valence, arousal = valence_arousal(posterior)
        total = sum(weights.values())
        return Estimate(
            captured_at=now,
            label=state.steady.label,
            posterior=tuple(float(p) for p in posterior),
            valence=valence,
            arousal=arousal,
            contributions=tuple(
                _used(sense, opinions[sense], weights[sense] / total if total > 0 else 0.0)
                if sense in opinions
                else _missing(sense, self._reason(sense, evidence.get(sense)))
                for sense in SENSES
            ),
            person=person,
        )

    def _reason(self, sense: Sense, evidence: Evidence | None) -> str:
        if evidence is None:
            return _NOT_ATTENDED
        return self._conditions[sense] or ("stale" if evidence.ever else _SILENT[sense])


def _used(sense: Sense, opinion: Opinion, share: float) -> Contribution:
    return Contribution(
        sense=sense,
        weight=share,
        quality=opinion.quality,
        age=opinion.age,
        posterior=opinion.posterior,
    )


def _missing(sense: Sense, reason: str) -> Contribution:
    return Contribution(sense=sense, weight=0.0, quality=0.0, age=None, posterior=None, missing=reason)
