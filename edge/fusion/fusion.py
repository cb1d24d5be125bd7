"""Fuses the senses' observations into one estimate for each tracked person and one for the scene."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final

from edge import config, shipped
from edge.emotions import LABELS
from edge.errors import ModelError
from edge.fusion.evidence import Evidence, Opinion
from edge.fusion.feature_level import open_feature_level
from edge.fusion.filter import EmotionFilter, Fused
from edge.fusion.history import Span
from edge.fusion.parameters import Parameters, Reliability, load
from edge.fusion.person import Person, SenseState, newer, opinions, uncorrected_opinions
from edge.fusion.speakers import Speakers
from edge.fusion.trust import Trust
from edge.health import catalogue
from edge.health.registry import Counter, Registry
from edge.inference.card import Card
from edge.observation import SENSES, Contribution, Estimate, Observation, OtherPerson, Perceived, Sense, posterior_fault

log = logging.getLogger(__name__)

SCENE: Final = 0
"""Id of the scene, which holds what no tracked person has shown or said."""
MAX_PERSONS: Final = 32
"""Maximum number of persons; beyond it, the one who was seen longest ago is erased."""
MAX_PERSON_ID: Final = 2**53
"""Largest track id: the largest integer that every JSON reader represents exactly."""
FORGET_AFTER_S: Final = 10.0
"""Seconds without news of a person after which the person is erased, though the face sense has not said so.

It is longer than the tracker's memory, and applies where the camera or the face sense has failed.
"""
MAX_AHEAD_S: Final = 1.0
"""Seconds by which an observation may be ahead of the present; cameras and microphones have clocks of their own."""

_MAX_FALLBACKS: Final = 16
"""Most reasons for fusing decisions instead of features that are logged, each once."""

_DEFAULT_REASONS: Final[Mapping[Sense, str]] = {"face": "no face", "voice": "silence", "words": "no words"}
"""Sense → why it is missing when it has made no observation and reports no condition."""
_NOT_ATTENDED: Final = "not attended to"
"""Why voice and words are missing in estimates of other persons while nobody can tell who speaks."""
_SOMEBODY_ELSE: Final = "somebody else"
"""Why voice and words are missing in the estimate of a person while somebody else is heard."""


class Fusion:
    """Accumulates the senses' observations, in any order, and computes estimates on request.

    A face belongs to the person whom the tracker names. Voice and words belong to the person who is known to speak. If
    somebody out of sight speaks, or it is unclear who does, they belong to the scene. Where nothing can be said about
    the speaker, as without a camera, they count for the attended person and for the scene.

    A person is erased as soon as the tracker has forgotten them; nothing of a person is ever written to disk. Input of
    any kind is bounded and counted. Not thread-safe.
    """

    def __init__(
        self,
        settings: config.Fusion,
        cards: Mapping[Sense, Card] | None = None,
        numbers: Parameters | None = None,
        trust: Trust | None = None,
        registry: Registry | None = None,
    ) -> None:
        """Reads the numbers of the fusion.

        Args:
            settings: The table `[fusion]` of the configuration.
            cards: Sense → card of its emotion model; senses that use the default model may be absent.
            numbers: The numbers of the fusion; None for those of the file that the settings name.
            trust: The trust in the senses, for continuing where another fusion ended; None for full trust.
            registry: Counts what is left out; None for a registry of its own.

        Raises:
            ModelError: The file of parameters is missing or invalid.
        """
        self._numbers = numbers or load(settings.parameters or shipped.fusion())
        self.trust = trust or Trust(self._numbers.trust)
        """The trust in the senses, shared by all persons, because a fault of a sense is one of the device."""
        self._prior = settings.world_prior(self._numbers.prior)
        self._registry = registry or Registry()
        for counter in _COUNTERS:
            self._registry.increment(counter, 0)
        reliabilities = {sense: self._numbers.reliability(sense, (cards or {}).get(sense)) for sense in SENSES}
        self._make = {sense: self._maker(sense, reliabilities[sense]) for sense in SENSES}
        self._baselines = {
            sense: reliability.baseline
            for sense, reliability in reliabilities.items()
            if settings.baseline and reliability.baseline is not None and not _has_baseline((cards or {}).get(sense))
        }
        self._features = open_feature_level(settings, cards or {})
        self._fallbacks: set[str] = set()
        """Why decisions were fused instead of features, as far as it was logged."""
        self._conditions: dict[Sense, str | None] = dict.fromkeys(SENSES)
        self._scene = Person(SCENE, self._emotions(), self._make)
        heard: tuple[Sense, ...] = ("voice", "words")
        self._shared = {sense: SenseState(self._make[sense]) for sense in heard}
        """Voice and words about whose speaker nothing can be said."""
        self._heard: dict[Sense, SenseState] = {}
        """Sense → whom its last observation was about."""
        self._persons: dict[int, Person] = {}
        """Track id → person, least recently seen first."""
        self._named: set[int] = set()
        """Persons whom the face sense has named since the last estimate."""
        self._attended = SCENE
        self._now: float | None = None
        self._speakers = Speakers()

    def take(self, perceived: Perceived, now: float | None = None) -> None:
        """Adds the result of one frame, chunk of sound or transcript.

        Args:
            perceived: The result.
            now: The present in seconds, so that observations from the future can be left out; None if it is unknown.
        """
        if perceived.live is not None:
            for person in [number for number in self._persons if number not in perceived.live]:
                self._erase(person, catalogue.FUSION_PERSONS_ERASED)
            self._named.update(perceived.live)
        if perceived.attended is not None:
            self._attend(perceived.attended, perceived.live)
        self.report(perceived.sense, perceived.condition)
        faces: set[int] = set()
        for observation in perceived.observations:
            refusal = self._refusal(observation, now)
            if refusal is None and observation.sense == "face" and observation.person:
                refusal = self._face_refusal(observation.person, perceived.live, faces)
                faces.add(observation.person)
            if refusal is not None:
                self._registry.increment(refusal)
            elif not self._add(observation):
                self._registry.increment(catalogue.FUSION_OUT_OF_ORDER)

    def report(self, sense: Sense, condition: str | None) -> None:
        """Sets why `sense` currently gives no observations (`no face`, `camera gone: …`); None if it works."""
        self._conditions[sense] = condition

    def resolve(self, perceived: Perceived) -> Perceived:
        """Returns `perceived` with the person filled in where `name_speaker` has assigned the speaker to one."""
        return self._speakers.resolve(perceived)

    def name_speaker(self, speaker: str, person: int | None) -> None:
        """Assigns the name that a speech recogniser gives to a speaker to a person, until the person is forgotten.

        Args:
            speaker: The name, of at most 200 characters.
            person: Track id of the person; None to forget the name.

        Raises:
            SpeakerError: The name is empty or too long, or the person is not remembered.
        """
        self._speakers.assign(speaker, person, self._persons)

    def history(self, person: int) -> tuple[Span, ...]:
        """The recent labels of a person or of the scene, oldest first; empty for a person who is not remembered."""
        found = self._scene if person == SCENE else self._persons.get(person)
        return () if found is None else found.history.spans

    def estimates(self, now: float) -> tuple[Estimate, ...]:
        """Every estimate at `now` (seconds).

        The first is about the attended person, or about the scene if nobody is attended to; the `state` topic publishes
        it. The other persons follow in the order of their ids, and the scene comes last.
        """
        self._confirm(now)
        self._now = now
        self._registry.set(catalogue.FUSION_PERSONS, float(len(self._persons)))
        # The trust in the senses follows the first estimate of each moment, which is that of the attended person.
        subject = self._persons.get(self._attended, self._scene)
        evidence = self._evidence(subject)
        found = opinions(evidence, now)
        fused = self._combine(subject, evidence, found, now)
        others = [self._persons[number] for number in sorted(self._persons) if number != self._attended]
        rest = [self._estimate(person, now) for person in others]
        brief = tuple(OtherPerson(one.person, one.label, one.confidence) for one in rest)
        first = self._describe(subject, now, evidence, found, fused, brief)
        return (first, *rest) if self._attended == SCENE else (first, *rest, self._estimate(self._scene, now))

    def _maker(self, sense: Sense, reliability: Reliability) -> Callable[[], Evidence]:
        numbers = self._numbers.sense(sense)
        return lambda: Evidence(numbers, reliability)

    def _emotions(self) -> EmotionFilter:
        return EmotionFilter(self._numbers, self._prior, self.trust)

    def _refusal(self, observation: Observation, now: float | None) -> Counter | None:
        """The counter of the reason why an observation is left out; None if it can be used."""
        at, quality = observation.captured_at, observation.quality
        if (
            posterior_fault(observation.posterior)
            or not math.isfinite(at)
            or not 0.0 <= quality <= 1.0
            or not 0 <= observation.person <= MAX_PERSON_ID
        ):
            return catalogue.FUSION_OBSERVATIONS_REFUSED
        return catalogue.FUSION_FUTURE_DROPPED if now is not None and at > now + MAX_AHEAD_S else None

    @staticmethod
    def _face_refusal(person: int, live: Collection[int] | None, faces: Collection[int]) -> Counter | None:
        """The counter of the reason why a face is left out; None if it can be used.

        Args:
            person: Track id of the face.
            live: All persons whom the tracker remembers; None if it has not named them.
            faces: Track ids of the faces of the same frame before this one.
        """
        if live is not None and person not in live:
            return catalogue.FUSION_UNKNOWN_PERSONS
        return catalogue.FUSION_DUPLICATES_DROPPED if person in faces else None

    def _attend(self, number: int, live: Collection[int] | None) -> None:
        """Makes a person the subject of the first estimate. One whom the tracker does not know is not attended to."""
        if not SCENE < number <= MAX_PERSON_ID or (live is not None and number not in live):
            return
        if number == self._attended:
            self._named.add(number)
            return
        known = number in self._persons
        person = self._seen(number)
        # Without a face the scene was about whoever spoke, and that was this person, unless somebody else was heard.
        if self._attended == SCENE and not known and not self._scene_heard():
            person.emotions.take_over(self._scene.emotions)
        self._attended = number

    def _scene_heard(self) -> bool:
        """Whether the scene has voice or words of somebody out of sight."""
        now = self._now
        return now is not None and any(state.evidence.opinion(now) for state in self._scene.senses.values())

    def _seen(self, number: int) -> Person:
        """Returns the person with this id, who is made if needed and becomes the one seen last."""
        person = self._persons.pop(number, None) or Person(number, self._emotions(), self._make, self._baselines)
        self._persons[number] = person
        self._named.add(number)
        if len(self._persons) > MAX_PERSONS:
            self._erase(
                next(other for other in self._persons if other not in (self._attended, number)),
                catalogue.FUSION_PERSONS_DROPPED,
            )
        return person

    def _add(self, observation: Observation) -> bool:
        """Adds an observation to whom it is about, and returns False if it is older than the newest one there."""
        sense, attribution = observation.sense, observation.attribution
        if sense == "face":
            # A face sense that does not track persons gives 0, and then its face is that of the attended person.
            number = observation.person or self._attended
            return (self._seen(number) if number else self._scene).add(observation)
        if observation.person:
            person = self._persons.get(observation.person)
            if person is None:
                self._registry.increment(catalogue.FUSION_UNKNOWN_PERSONS)
            person = person or self._scene
            self._heard[sense] = person.senses[sense]
            return person.add(observation)
        if attribution is None or attribution.kind == "unavailable":
            self._heard[sense] = self._shared[sense]
            return self._shared[sense].add(observation)
        self._heard[sense] = self._scene.senses[sense]
        return self._scene.add(observation)

    def _erase(self, number: int, counter: Counter) -> None:
        """Removes everything that is known of a person from memory."""
        erased = self._persons.pop(number).senses
        self._heard = {sense: state for sense, state in self._heard.items() if state is not erased[sense]}
        self._named.discard(number)
        self._speakers.forget(number)
        if self._attended == number:
            self._attended = SCENE
        self._registry.increment(counter)

    def _confirm(self, now: float) -> None:
        """Erases the persons of whom there has been no news for long, and notes the time of news about the others."""
        for number, person in list(self._persons.items()):
            if number in self._named or person.confirmed_at is None:
                person.confirmed_at = now
            elif now - person.confirmed_at > FORGET_AFTER_S:
                self._erase(number, catalogue.FUSION_PERSONS_ERASED)
        self._named.clear()

    def _evidence(self, person: Person) -> Mapping[Sense, SenseState]:
        """Sense → the evidence that counts for a person or for the scene."""
        if person.number not in (SCENE, self._attended):
            return person.senses
        return {sense: newer(state, self._shared.get(sense)) for sense, state in person.senses.items()}

    def _estimate(self, person: Person, now: float) -> Estimate:
        evidence = self._evidence(person)
        found = opinions(evidence, now)
        return self._describe(person, now, evidence, found, self._combine(person, evidence, found, now), ())

    def _describe(
        self,
        person: Person,
        now: float,
        states: Mapping[Sense, SenseState],
        found: Mapping[Sense, Opinion],
        fused: Fused,
        others: tuple[OtherPerson, ...],
    ) -> Estimate:
        """The estimate of a person or of the scene.

        Args:
            person: The person.
            now: Seconds.
            states: Sense → the evidence that counts.
            found: Sense → its opinion; senses without one are absent.
            fused: What follows from the opinions.
            others: The other persons, in brief.
        """
        confidence = fused.posterior[LABELS.index(fused.label)]
        corrects = self._features is None and self._baselines and any(states[sense].corrects for sense in found)
        return Estimate(
            captured_at=now,
            label=fused.label,
            posterior=fused.posterior,
            valence=fused.valence,
            arousal=fused.arousal,
            contributions=tuple(
                _contribution(sense, found[sense], states[sense], fused.weights[sense])
                if sense in found
                else _missing_contribution(sense, self._reason(sense, states[sense], now))
                for sense in SENSES
            ),
            person=person.number,
            second=fused.second,
            conflict=fused.conflict,
            conflict_between=fused.conflict_between,
            without_baseline=(person.emotions.posterior(uncorrected_opinions(states, now)) if corrects else None),
            since=person.history.add(fused.label, confidence, now),
            others=others,
        )

    def _combine(
        self, person: Person, states: Mapping[Sense, SenseState], found: Mapping[Sense, Opinion], now: float
    ) -> Fused:
        return person.emotions.combine(found, now, joint=self._joint(states, found))

    def _joint(self, states: Mapping[Sense, SenseState], found: Mapping[Sense, Opinion]) -> list[float] | None:
        """Seven log-likelihoods of the network over all embeddings; None where decisions are fused."""
        if self._features is None or not found:
            return None
        try:
            embeddings = {sense: states[sense].embedding.value for sense in found}
            given = {sense: value for sense, value in embeddings.items() if value is not None}
            if len(given) < len(found):
                lacking = ", ".join(sense for sense in found if sense not in given)
                raise ModelError(f"no embedding of {lacking}")
            trust = dict(zip(found, self.trust.of(tuple(found)), strict=True))
            return self._features.log_likelihoods(
                given, {sense: found[sense].freshness * trust[sense] for sense in found}
            )
        except ModelError as error:
            if str(error) not in self._fallbacks and len(self._fallbacks) < _MAX_FALLBACKS:
                self._fallbacks.add(str(error))
                log.warning("decisions are fused instead of features while this lasts: %s", error)
            return None

    def _reason(self, sense: Sense, state: SenseState, now: float) -> str:
        """Why a sense contributes nothing to an estimate at `now` (seconds) whose evidence would be `state`."""
        heard = self._heard.get(sense)
        elsewhere = heard is not None and heard is not state and heard.evidence.opinion(now) is not None
        if elsewhere and heard is self._shared.get(sense):
            return _NOT_ATTENDED
        usual = _DEFAULT_REASONS[sense] if state.newest_at is None else "stale"
        return self._conditions[sense] or (_SOMEBODY_ELSE if elsewhere else usual)


_COUNTERS: Final = (
    catalogue.FUSION_OBSERVATIONS_REFUSED,
    catalogue.FUSION_FUTURE_DROPPED,
    catalogue.FUSION_DUPLICATES_DROPPED,
    catalogue.FUSION_UNKNOWN_PERSONS,
    catalogue.FUSION_PERSONS_DROPPED,
)
"""Counters of losses, which are reported from the start on."""


def _has_baseline(card: Card | None) -> bool:
    """Whether a model takes the person's baseline as an input of its own, so that it must not be applied twice."""
    return card is not None and any("baseline" in tensor.name for tensor in card.inputs)


def _contribution(sense: Sense, opinion: Opinion, state: SenseState, share: float) -> Contribution:
    return Contribution(
        sense=sense,
        weight=share,
        quality=opinion.quality,
        age=opinion.age,
        posterior=opinion.posterior,
        baseline=state.strength,
        attribution=state.attribution,
    )


@lru_cache(maxsize=256)
def _missing_contribution(sense: Sense, reason: str) -> Contribution:
    return Contribution(sense=sense, weight=0.0, quality=0.0, age=None, posterior=None, missing=reason)
