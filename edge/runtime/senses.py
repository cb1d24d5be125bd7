"""The configured senses, built in the same way for live runs, replay and benchmark."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from edge.config import Config
from edge.errors import EdgeEmotionError, ModelError
from edge.face.sense import FaceSense
from edge.health.registry import Registry
from edge.inference.card import Card
from edge.observation import AudioChunk, Frame, Perceived, Sense, Transcript
from edge.runtime.ears import Ears, open_keywords
from edge.speaker import model as speaker_model
from edge.speaker.attributor import Attributor
from edge.speaker.model import SpeakerModel
from edge.voice.sense import VoiceSense
from edge.words.recogniser import Recogniser, open_recogniser
from edge.words.sense import WordsSense

log = logging.getLogger(__name__)

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Senses:
    """All senses; one that is off or could not be loaded is None and has a reason in `missing`.

    Each method is called from one thread at a time; different senses may run in different threads. If a model fails on
    an item, the result is a `Perceived` with `failed` set; the next item is processed normally.
    """

    face: FaceSense | None
    """The face sense."""
    ears: Ears | None
    """Hearing for the voice sense, the keyword spotter and the recogniser; None if all three are absent."""
    words: WordsSense | None
    """The words sense."""
    missing: dict[Sense, str]
    """Sense → why it is off or could not be loaded."""
    recogniser: Recogniser | None = None
    """Transcribes the sound for `words`; None if no recogniser is used."""
    speaker: SpeakerModel | None = None
    """Decides whose voice it is; None if its file could not be loaded, or if no face or no sound is sensed."""

    def attribution(self, *, enabled: bool = True) -> Callable[[Perceived], Perceived]:
        """Returns a function that attributes the voices and words of results, one after the other, to persons.

        It is for the one thread that fuses. Without `speaker`, or unless `enabled`, it returns each result unchanged.
        """
        return Attributor(self.speaker).take if enabled and self.speaker is not None else lambda perceived: perceived

    @property
    def cards(self) -> tuple[Card, ...]:
        """Cards of all models in use."""
        face = self.face.cards if self.face else ()
        voice = self.ears.cards if self.ears else ()
        return (*face, *voice, *((self.words.card,) if self.words else ()))

    @property
    def emotion_cards(self) -> dict[Sense, Card]:
        """Sense → card of its emotion model; senses that are off are absent."""
        found: dict[Sense, Card] = {}
        if self.face is not None:
            found["face"] = self.face.expression.card
        if self.ears is not None and self.ears.voice is not None:
            found["voice"] = self.ears.voice.card
        if self.words is not None:
            found["words"] = self.words.card
        return found

    def see(self, frame: Frame) -> Perceived:
        """Observes the faces in a frame."""
        face = self.face
        if face is None:
            return Perceived("face", condition=self.missing["face"])
        try:
            found = face.look(frame)
        except EdgeEmotionError as error:
            return Perceived("face", condition=str(error), failed=True)
        return Perceived("face", found, face.condition, face.attended, live=face.live, mouths=face.mouths)

    def hear(self, chunk: AudioChunk) -> Perceived:
        """Observes voice and keywords in a chunk of sound."""
        if self.ears is None:
            return Perceived("voice", condition=self.missing["voice"])
        try:
            found = self.ears.hear(chunk)
        except EdgeEmotionError as error:
            return Perceived("voice", condition=str(error), failed=True)
        condition = self.missing.get("voice") or self.ears.condition
        return Perceived("voice", found, condition, sound=self.ears.take_levels())

    def hear_nothing(self) -> Perceived | None:
        """Ends an utterance whose sound stopped arriving; None if nobody was speaking."""
        return None if self.ears is None or self.ears.condition else self.fall_silent()

    def fall_silent(self) -> Perceived:
        """Ends the stream of sound and returns the observations of an utterance in progress."""
        found = self.ears.flush() if self.ears else ()
        levels = self.ears.take_levels() if self.ears else ()
        return Perceived("voice", found, self.missing.get("voice", "silence"), sound=levels)

    def recognise(self, chunk: AudioChunk) -> tuple[Transcript, ...]:
        """Returns the sentences that ended in a chunk of clean sound. Raises `EdgeEmotionError`."""
        return self.recogniser.feed(chunk) if self.recogniser else ()

    def recognise_rest(self, chunks: Sequence[AudioChunk] = ()) -> tuple[Transcript, ...]:
        """Returns the sentences in the last chunks, including the unfinished one. Raises `EdgeEmotionError`."""
        if self.recogniser is None:
            return ()
        found = [transcript for chunk in chunks for transcript in self.recogniser.feed(chunk)]
        return (*found, *self.recogniser.flush())

    def read(self, transcript: Transcript) -> Perceived:
        """Observes the words of a transcript."""
        if self.words is None:
            return Perceived("words", condition=self.missing["words"])
        try:
            found = self.words.read(transcript)
        except EdgeEmotionError as error:
            return Perceived("words", condition=str(error), failed=True)
        return Perceived("words", (replace(found, speaker=transcript.speaker),) if found else ())


def build(config: Config, registry: Registry | None = None) -> Senses:
    """Loads the configured senses. One that cannot be loaded is logged and left out, so that the others still work.

    Raises `ModelError` if no sense is left.
    """
    registry = registry or Registry()
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

    face = attempt("face", config.face.enabled, lambda: FaceSense(config.face, registry))
    voice = attempt("voice", config.voice.enabled, lambda: VoiceSense(config.voice, registry, config.fusion.baseline))
    words = attempt("words", config.words.enabled, lambda: WordsSense(config.words, registry))
    keywords = open_keywords(config.words, registry)
    recogniser = _recogniser(config)
    if not (face or voice or words):
        raise ModelError("no sense is left: " + "; ".join(f"{sense}: {why}" for sense, why in missing.items()))
    ears = None
    if voice or keywords or recogniser:
        ears = Ears(config.voice, voice=voice, keywords=keywords, recogniser=recogniser is not None, registry=registry)
    speaker = _speaker_model() if face and face.landmarks and ears else None
    return Senses(face=face, ears=ears, words=words, missing=missing, recogniser=recogniser, speaker=speaker)


def _recogniser(config: Config) -> Recogniser | None:
    if not config.words.enabled:
        return None
    try:
        return open_recogniser(config.transcripts)
    except EdgeEmotionError as error:
        log.error("the speech recogniser is left out: %s", error)
        return None


def _speaker_model() -> SpeakerModel | None:
    try:
        return speaker_model.load(speaker_model.path())
    except ModelError as error:
        log.error("voices are not attributed to persons: %s", error)
        return None
