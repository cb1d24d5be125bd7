"""Decision-level fusion: combines the senses' observations into one estimate per person, or one of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from edge import config, shipped
from edge.fusion import parameters
from edge.fusion.evidence import Evidence, Opinion
from edge.fusion.person import PersonState
from edge.inference.card import Card
from edge.observation import SENSES, Contribution, Estimate, Observation, Perceived, Sense

SCENE: Final = 0
"""Person id of an estimate that is not about a particular person."""

MAX_PERSONS: Final = 32
"""Maximum number of states; beyond it, the person who was seen longest ago is dropped."""

_DEFAULT_REASONS: Final[Mapping[Sense, str]] = {"face": "no face", "voice": "silence", "words": "no words"}
"""Sense → why it is missing when it has made no observation and reports no condition."""
_NOT_ATTENDED: Final = "not attended to"
"""Why voice and words are missing in estimates of persons other than the attended one.

Voices and words are not yet attributed to persons; they count for the attended person alone.
"""


class Fusion:
    """Accumulates the senses' observations, in any order, and computes estimates on request.

    Times must not run backwards by more than the senses' memories. Not thread-safe.
    """

    def __init__(self, settings: config.Fusion, cards: Mapping[Sense, Card] | None = None) -> None:
        """Reads the numbers of the fusion.

        Args:
            settings: The table `[fusion]` of the configuration.
            cards: Sense → card of its model, so that what was learnt about exactly this model is used; a sense that is
                absent uses its default model.

        Raises:
            ModelError: The file of the numbers is missing or invalid.
        """
        self._numbers = parameters.load(settings.parameters or shipped.fusion())
        self._prior = settings.world_prior(self._numbers.prior)
        self._reliability = {sense: self._numbers.reliability(sense, (cards or {}).get(sense)) for sense in SENSES}
        heard: tuple[Sense, ...] = ("voice", "words")
        self._shared_evidence: dict[Sense, Evidence] = {
            sense: Evidence(self._numbers.sense(sense), self._reliability[sense]) for sense in heard
        }
        self._conditions: dict[Sense, str | None] = dict.fromkeys(SENSES)
        self._attended = SCENE
        self._persons: dict[int, PersonState] = {SCENE: self._unknown()}
        """Person id → state, least recently seen first; the scene and the attended person are always present."""

    def _unknown(self) -> PersonState:
        return PersonState(self._numbers, self._reliability["face"], self._prior)

    def take(self, perceived: Perceived) -> None:
        """Adds the result of one frame, chunk of sound or transcript."""
        if perceived.attended is not None:
            self._attend(perceived.attended)
        self.report(perceived.sense, perceived.condition)
        for observation in perceived.observations:
            self._add(observation)

    def report(self, sense: Sense, condition: str | None) -> None:
        """Sets why `sense` currently gives no observations (`no face`, `camera gone: …`); None if it works."""
        self._conditions[sense] = condition

    def estimates(self, now: float) -> tuple[Estimate, ...]:
        """Every estimate at `now` (seconds).

        The first is about the attended person, or about the scene if nobody has been attended to so far; the `state`
        topic publishes it. The others, sorted by person id, are about the other persons in sight.
        """
        self._forget_expired(now)
        others = sorted(person for person in self._persons if person not in (SCENE, self._attended))
        return (self._estimate(self._attended, now), *(self._estimate(person, now) for person in others))

    def _attend(self, person: int) -> None:
        """Makes `person` the subject of the first estimate.

        Neither the estimate of a previously attended person nor earlier evidence of the new person's face is carried
        over; the evidence of voice and words is kept.
        """
        if person == self._attended:
            return
        before = self._persons[self._attended]
        state = self._unknown()
        if self._attended == SCENE:
            state.emotion.take_over(before.emotion)
        self._persons.pop(person, None)
        self._persons[person] = state
        self._attended = person
        self._limit_persons()

    def _add(self, observation: Observation) -> None:
        if observation.sense != "face":
            self._shared_evidence[observation.sense].add(observation)
            return
        person = observation.person or self._attended
        state = self._persons.pop(person, None) or self._unknown()
        # Inserted at the end, so that the dictionary stays ordered by the last sighting.
        self._persons[person] = state
        state.face.add(observation)
        self._limit_persons()

    def _limit_persons(self) -> None:
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
            evidence |= self._shared_evidence
        found = {sense: part.opinion(now) for sense, part in evidence.items()}
        opinions = {sense: opinion for sense, opinion in found.items() if opinion is not None}
        fused = state.emotion.combine(opinions, now)
        return Estimate(
            captured_at=now,
            label=fused.label,
            posterior=fused.posterior,
            valence=fused.valence,
            arousal=fused.arousal,
            contributions=tuple(
                _contribution(sense, opinions[sense], fused.weights[sense])
                if sense in opinions
                else _missing_contribution(sense, self._reason(sense, evidence.get(sense)))
                for sense in SENSES
            ),
            person=person,
        )

    def _reason(self, sense: Sense, evidence: Evidence | None) -> str:
        if evidence is None:
            return _NOT_ATTENDED
        return self._conditions[sense] or ("stale" if evidence.ever else _DEFAULT_REASONS[sense])


def _contribution(sense: Sense, opinion: Opinion, share: float) -> Contribution:
    return Contribution(
        sense=sense,
        weight=share,
        quality=opinion.quality,
        age=opinion.age,
        posterior=opinion.posterior,
    )


def _missing_contribution(sense: Sense, reason: str) -> Contribution:
    return Contribution(sense=sense, weight=0.0, quality=0.0, age=None, posterior=None, missing=reason)
