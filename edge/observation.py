"""The data types of the pipeline: `Frame`, `AudioChunk`, `Transcript` → `Observation`, `Perceived` → `Estimate`.

All times are monotonic seconds at which the sensor captured the data (in replay: seconds of the recording), never the
time of arrival.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.detail import Detail
from edge.emotions import COUNT, LABELS

Sense: TypeAlias = Literal["face", "voice", "words"]
"""Name of a sense."""
SENSES: Final[tuple[Sense, ...]] = ("face", "voice", "words")
"""All senses, in the order in which estimates list them."""

_SUM_TOLERANCE: Final = 0.01
"""Largest difference from 1 that the sum of a posterior may have, above the rounding of an int8 output."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of a camera or video."""

    image: NDArray[np.uint8]
    """The pixels, (height, width, 3) in BGR order."""
    captured_at: float
    """Seconds: when the image was captured."""
    sequence: int = 0
    """Number of the frame as delivered by the sensor. A gap in it is the number of skipped frames."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A contiguous block of audio samples."""

    samples: NDArray[np.float32]
    """The samples, (n,) for mono or (n, channels); full scale is −1…1."""
    rate: int
    """Sampling rate in hertz."""
    captured_at: float
    """Seconds: when the first sample was captured."""
    overruns: int = 0
    """Number of times that audio was lost immediately before this chunk."""
    azimuth: float | None = None
    """Degrees: the direction that a microphone array heard the sound from, 0 along the camera's axis and positive to
    the right of the image; None if the source gives no direction."""

    @property
    def duration(self) -> float:
        """Length of the chunk in seconds."""
        return len(self.samples) / self.rate

    def after_loss(self, lost: int) -> AudioChunk:
        """Returns this chunk with `lost` more overruns, for chunks dropped before it."""
        return replace(self, overruns=self.overruns + lost)


@dataclass(frozen=True, slots=True)
class Transcript:
    """The text of an utterance from a speech recogniser, or a keyword spotted in audio."""

    text: str
    """The recognised words."""
    captured_at: float
    """Seconds: the end of the utterance."""
    speaker: str | None = None
    """Name of the speaker as the recogniser gave it; None if it gave none."""
    confidence: float = 1.0
    """Confidence of the recogniser, 0…1."""


@dataclass(frozen=True, slots=True)
class Mouth:
    """The mouth of one face in one frame: distances between landmarks, in pixels."""

    person: int
    """Track id of the person."""
    captured_at: float
    """Seconds: when the image was captured."""
    gap: float
    """Gap between the inner lips."""
    width: float
    """Distance between the corners of the mouth."""
    jaw: float
    """Distance from the base of the nose to the chin."""
    lower: float
    """Distance from the base of the nose to the lower edge of the lower lip."""
    scale: float
    """Distance between the centres of the eyes, by which the other distances are divided."""
    across: float = 0.5
    """Horizontal position of the face in the image, 0 at the left edge, 1 at the right."""


@dataclass(frozen=True, slots=True)
class SoundLevel:
    """The level of 10 ms of sound, and whether it is speech."""

    ends_at: float
    """Seconds: the end of the 10 ms."""
    level: float
    """Decimal logarithm of the power of the sound; a constant gain only adds to it."""
    middle: float
    """The same of the band in which the second formant of open vowels lies."""
    speech: float
    """Probability of speech, 0…1; it lags behind the sound by about 0.35 s."""
    azimuth: float | None = None
    """Degrees: direction of the sound as in `AudioChunk.azimuth`."""


AttributionKind: TypeAlias = Literal["person", "off_screen", "unknown", "unavailable"]
"""Who spoke: a person in the image, somebody out of it, undecided, or not decidable because no face was measured."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The answer to the question whose voice was heard."""

    kind: AttributionKind
    """Who spoke."""
    person: int = 0
    """Track id of the person who spoke; above 0 exactly if `kind` is `person`."""
    confidence: float = 0.0
    """Probability of this answer, 0…1; of the most probable one if `kind` is `unknown`; 0 if it is `unavailable`."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The result of one sense for one moment or one utterance."""

    sense: Sense
    """The sense that made the observation."""
    captured_at: float
    """Seconds: when the data was captured; for an utterance, its end."""
    posterior: tuple[float, ...]
    """Seven calibrated probabilities in the order of `edge.emotions.LABELS`."""
    quality: float
    """Reliability of the input, 0…1, independent of how certain the posterior is."""
    person: int = 0
    """Track id of the person; 0 if no person is known to be meant."""
    final: bool = True
    """False for an interim observation of an utterance that has not ended yet."""
    detail: Detail | None = None
    """Further measurements. The type depends on the sense: `FaceDetail`, `VoiceDetail` or `WordsDetail`, or
    `KeywordDetail` for a keyword spotted in audio."""
    attribution: Attribution | None = None
    """Whose voice it was, for an observation of voice or words; None if that was not examined."""
    speaker: str | None = None
    """Name of the speaker as a speech recogniser gave it; None if it gave none. It is never published."""
    embedding: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    """The vector (k,) before the last layer of the sense's model, for fusion at feature level; None if the model does
    not give it. It is never published."""

    def __post_init__(self) -> None:
        fault = posterior_fault(self.posterior)
        if fault is not None:
            raise ValueError(fault)
        if not 0.0 <= self.quality <= 1.0:
            raise ValueError(f"quality lies in 0…1, not {self.quality}")
        if not math.isfinite(self.captured_at):
            raise ValueError(f"an observation is captured at a finite time, not at {self.captured_at}")


def posterior_fault(posterior: tuple[float, ...]) -> str | None:
    """Returns what is wrong with a posterior, or None for one of seven finite probabilities that add up to 1."""
    if len(posterior) != COUNT or not all(map(math.isfinite, posterior)):
        return f"a posterior has {COUNT} finite probabilities, not {posterior}"
    if min(posterior) < 0.0 or abs(sum(posterior) - 1.0) > _SUM_TOLERANCE:
        return f"the probabilities of a posterior lie in 0…1 and add up to 1, unlike {posterior}"
    return None


@dataclass(frozen=True, slots=True)
class Perceived:
    """The results of one frame, audio chunk or transcript."""

    sense: Sense
    """The sense that processed the input. An audio chunk may also yield observations of `words` (spotted keywords)."""
    observations: tuple[Observation, ...] = ()
    """The observations made, possibly none."""
    condition: str | None = None
    """Why there was nothing to observe (`no face`, `silence`), or the fault; None if all is well."""
    attended: int | None = None
    """Track id of the person to attend to; None if the sense does not name one."""
    failed: bool = False
    """True if `condition` is a fault of the device rather than a state of the scene."""
    live: frozenset[int] | None = None
    """Track ids of all persons whom the sense remembers, in sight or not; everyone else has been forgotten. None if the
    sense does not track persons."""
    mouths: tuple[Mouth, ...] = ()
    """The mouths in the frame; empty without landmarks."""
    sound: tuple[SoundLevel, ...] = ()
    """Levels of the sound, one for each 10 ms, in order."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """The part that one sense had in an estimate, or the reason why it had none."""

    sense: Sense
    """The sense that this contribution describes."""
    weight: float
    """Share of the sense in all evidence, 0…1. The shares of an estimate sum to 1, or to 0 without evidence."""
    quality: float
    """Quality of the evidence used, 0…1."""
    age: float | None
    """Seconds since the evidence was captured; None without evidence."""
    posterior: tuple[float, ...] | None
    """Smoothed posterior of this sense alone; None without evidence."""
    missing: str | None = None
    """Why the sense contributes nothing: `no face`, `silence`, `no words`, `stale`, `off`, or the fault."""
    baseline: float = 0.0
    """Strength 0…1 with which the person's own baseline corrects this sense; 0 without a baseline."""
    attribution: Attribution | None = None
    """Whose voice or words the newest evidence is; None without evidence, and where nobody tried to find out."""


@dataclass(frozen=True, slots=True)
class OtherPerson:
    """The estimate of a person whom the device does not attend to, in brief."""

    person: int
    """Track id of the person, above 0."""
    label: str
    """The estimated emotion, one of `edge.emotions.LABELS`."""
    confidence: float
    """Probability of `label`, 0…1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The fused result of all senses for one person, or for the scene, at one moment."""

    captured_at: float
    """Seconds: the moment that the estimate describes."""
    label: str
    """The estimated emotion, one of `edge.emotions.LABELS`."""
    posterior: tuple[float, ...]
    """Seven probabilities in the order of `edge.emotions.LABELS`."""
    valence: float
    """Expected valence, −1…1."""
    arousal: float
    """Expected arousal, −1…1."""
    contributions: tuple[Contribution, ...]
    """One contribution per sense, in the order of `SENSES`."""
    person: int = 0
    """Track id of the person; 0 for the scene."""
    second: str | None = None
    """A second emotion that is likely beside `label`; None where one dominates, or without evidence."""
    conflict: float = 0.0
    """How much the two most contradictory senses contradict each other, as a smile with an angry voice does: 0 if they
    say the same, towards 1 if what they say excludes each other."""
    conflict_between: tuple[Sense, Sense] | None = None
    """The two senses of `conflict`, in the order of `SENSES`; None with evidence of fewer than two."""
    without_baseline: tuple[float, ...] | None = None
    """The posterior as it would be without the person's baselines; None if no baseline corrects a sense."""
    since: float | None = None
    """Seconds: when `label` became the label of this person; None if that is unknown."""
    others: tuple[OtherPerson, ...] = ()
    """The other persons whom the device remembers, in the order of their ids; only in the estimate that `state` is made
    of."""

    @property
    def confidence(self) -> float:
        """Probability of `label`, 0…1."""
        return self.posterior[LABELS.index(self.label)]

    @property
    def ages(self) -> tuple[float, float] | None:
        """Ages in seconds of the newest and the oldest evidence used; None without evidence."""
        used = [part.age for part in self.contributions if part.age is not None and part.weight > 0]
        return (min(used), max(used)) if used else None
