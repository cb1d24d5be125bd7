"""The senses that the configuration asks for, built alike for live, replay and bench."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from edge.config import Config
from edge.errors import EdgeEmotionError, ModelError
from edge.face.sense import FaceSense
from edge.fusion.decision import DecisionFusion
from edge.health.timings import Timings
from edge.inference.card import Card
from edge.observation import AudioChunk, Frame, Observation, Sense, Transcript
from edge.runtime.ears import Ears
from edge.words.recogniser import Recogniser, open_recogniser
from edge.words.sense import WordsSense

log = logging.getLogger(__name__)

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Perceived:
    """What came of one frame, chunk of sound or transcript."""

    sense: Sense
    """The sense that worked; a chunk of sound may give observations of `words` too (spotted keywords)."""
    observations: tuple[Observation, ...] = ()
    condition: str | None = None
    """Why there is nothing to observe (`no face`, `silence`), or what broke."""
    attended: int | None = None
    """The person to attend to, where the sense can tell."""
    failed: bool = False
    """True where `condition` tells of a fault rather than of the world."""

    def fuse(self, fusion: DecisionFusion) -> None:
        """Hands all of it to the fusion."""
        fusion.attend(self.attended)
        fusion.report(self.sense, self.condition)
        for observation in self.observations:
            fusion.add(observation)


@dataclass(frozen=True, slots=True)
class Senses:
    """What there is to perceive with; a sense that is off or broken is None and has a reason in `missing`.

    Each method is called from one thread at a time; different senses may run in different threads. A model that
    fails on an item gives a `Perceived` that says so; the next item is tried afresh.
    """

    face: FaceSense | None
    ears: Ears | None
    words: WordsSense | None
    missing: dict[Sense, str]
    recogniser: Recogniser | None = None
    """Makes transcripts of the sound, for `words`."""

    @property
    def cards(self) -> tuple[Card, ...]:
        """Of all models in use."""
        face = self.face.cards if self.face else ()
        voice = self.ears.cards if self.ears else ()
        return (*face, *voice, *((self.words.card,) if self.words else ()))

    def see(self, frame: Frame) -> Perceived:
        """The faces in a frame."""
        face = self.face
        if face is None:
            return Perceived("face", condition=self.missing["face"])
        try:
            found = face.look(frame)
        except EdgeEmotionError as error:
            return Perceived("face", condition=str(error), failed=True)
        return Perceived("face", found, face.condition, face.attended)

    def hear(self, chunk: AudioChunk) -> Perceived:
        """Voice and keywords in a chunk of sound."""
        ears = self.ears
        if ears is None:
            return Perceived("voice", condition=self.missing["voice"])
        try:
            found = ears.hear(chunk)
        except EdgeEmotionError as error:
            return Perceived("voice", condition=str(error), failed=True)
        return Perceived("voice", found, ears.condition)

    def hear_nothing(self) -> Perceived | None:
        """What an utterance gives whose sound stopped without an end; None where nobody was speaking."""
        return None if self.ears is None or self.ears.condition else self.fall_silent()

    def fall_silent(self) -> Perceived:
        """What an utterance that was going on gives when the sound ends."""
        if self.ears is None:
            return Perceived("voice", condition=self.missing["voice"])
        return Perceived("voice", self.ears.flush(), "silence")

    def recognise(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        """Sentences that ended in a chunk of sound. Raises `EdgeEmotionError`."""
        return self.recogniser.feed(chunk) if self.recogniser else ()

    def recognise_rest(self) -> tuple[Transcript, ...]:
        """What was being said when the sound ended. Raises `EdgeEmotionError`."""
        return self.recogniser.flush() if self.recogniser else ()

    def read(self, transcript: Transcript) -> Perceived:
        """The words of a transcript."""
        if self.words is None:
            return Perceived("words", condition=self.missing["words"])
        try:
            found = self.words.read(transcript)
        except EdgeEmotionError as error:
            return Perceived("words", condition=str(error), failed=True)
        return Perceived("words", (found,) if found else ())


def build(config: Config, timings: Timings | None = None) -> Senses:
    """Loads the models. One that cannot be loaded is logged and left out, so that the rest goes on.

    Raises `ModelError` where no sense is left.
    """
    timings = timings or Timings()
    missing: dict[Sense, str] = {}

    def attempt(sense: Sense, enabled: bool, make: Callable[[], S]) -> S | None:
        if not enabled:
            missing[sense] = "off"
            return None
        try:
            return make()
        except EdgeEmotionError as error:
            log.error("the %s sense is left out: %s", sense, error)
            missing[sense] = str(error)
            return None

    senses = Senses(
        face=attempt("face", config.face.enabled, lambda: FaceSense(config.face, timings)),
        ears=attempt("voice", config.voice.enabled, lambda: Ears(config.voice, config.words, timings)),
        words=attempt("words", config.words.enabled, lambda: WordsSense(config.words, timings)),
        missing=missing,
        recogniser=_recogniser(config),
    )
    if not (senses.face or senses.ears or senses.words):
        raise ModelError("no sense is left: " + "; ".join(f"{sense}: {why}" for sense, why in missing.items()))
    return senses


def _recogniser(config: Config) -> Recogniser | None:
    if not config.words.enabled:
        return None
    try:
        return open_recogniser(config.transcripts)
    except EdgeEmotionError as error:
        log.error("the speech recogniser is left out: %s", error)
        return None
