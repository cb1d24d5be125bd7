"""The few types that flow: `Frame`, `AudioChunk`, `Transcript` → `Observation`, `Perceived` → `Estimate`.

Time is monotonic seconds at the sensor (in replay: seconds of the medium), never the time of arrival.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.detail import Detail
from edge.emotions import COUNT, LABELS

Sense: TypeAlias = Literal["face", "voice", "words"]
SENSES: Final[tuple[Sense, ...]] = ("face", "voice", "words")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture."""

    image: NDArray[np.uint8]
    """(height, width, 3), BGR."""
    captured_at: float
    """Seconds."""
    sequence: int = 0
    """Counts what the sensor delivered, so that a gap shows how many frames were skipped."""


@dataclass(frozen=True, slots=True, eq=False)
class AudioChunk:
    """A stretch of sound without a gap inside."""

    samples: NDArray[np.float32]
    """(n,) for one channel or (n, channels); full scale is −1…1."""
    rate: int
    """Samples a second."""
    captured_at: float
    """Seconds, of the first sample."""
    overruns: int = 0
    """How often sound was lost just before this chunk."""

    @property
    def duration(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate

    def after_loss(self, lost: int) -> AudioChunk:
        """The same, with so many chunks lost before it."""
        return replace(self, overruns=self.overruns + lost)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a speech recogniser heard, or a keyword that was spotted."""

    text: str
    captured_at: float
    """Seconds, at the end of what was said."""
    speaker: str | None = None
    confidence: float = 1.0
    """0…1, the recogniser's."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one sense says about one moment (or one utterance)."""

    sense: Sense
    captured_at: float
    """Seconds; of an utterance, its end."""
    posterior: tuple[float, ...]
    """Calibrated, seven probabilities in the order of `edge.emotions.LABELS`."""
    quality: float
    """0…1: how far the observation can be trusted, apart from what its posterior says."""
    person: int = 0
    """Track id of the face; 0 where the sense cannot tell persons apart."""
    final: bool = True
    """False for an interim observation of an utterance that still goes on."""
    detail: Detail | None = None
    """What else the sense measured. Its type is that of the sense: `FaceDetail`, `VoiceDetail`, `WordsDetail`, or
    `KeywordDetail` for a keyword spotted in sound."""

    def __post_init__(self) -> None:
        if len(self.posterior) != COUNT or not all(map(math.isfinite, self.posterior)):
            raise ValueError(f"a posterior has {COUNT} finite probabilities, not {self.posterior}")
        if not 0.0 <= self.quality <= 1.0:
            raise ValueError(f"quality lies in 0…1, not {self.quality}")


@dataclass(frozen=True, slots=True)
class Perceived:
    """What came of one frame, chunk of sound or transcript."""

    sense: Sense
    """The sense that worked; a chunk of sound may give observations of `words` too (spotted keywords)."""
    observations: tuple[Observation, ...] = ()
    condition: str | None = None
    """Why there is nothing to observe (`no face`, `silence`), or what broke."""
    attended: int | None = None
    """The person to attend to, where the sense can name one."""
    failed: bool = False
    """True where `condition` describes a fault of the device rather than the state of the world."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one sense brought to an estimate, or why it brought nothing."""

    sense: Sense
    weight: float
    """0…1, this sense's share of all evidence; the shares of an estimate add up to 1, or to 0 with no evidence."""
    quality: float
    """0…1, of the evidence used."""
    age: float | None
    """Seconds since the evidence was captured; None where there is none."""
    posterior: tuple[float, ...] | None
    """The sense's own opinion, smoothed; None where it has none."""
    missing: str | None = None
    """Why the sense says nothing: `no face`, `silence`, `no words`, `stale`, `off`, or what broke."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What all senses together say about one person at one moment."""

    captured_at: float
    """Seconds: the moment the estimate is about."""
    label: str
    posterior: tuple[float, ...]
    """Seven probabilities in the order of `edge.emotions.LABELS`."""
    valence: float
    """−1…1."""
    arousal: float
    """−1…1."""
    contributions: tuple[Contribution, ...]
    """One per sense, in the order of `SENSES`."""
    person: int = 0

    @property
    def confidence(self) -> float:
        """The probability of `label`."""
        return self.posterior[LABELS.index(self.label)]

    @property
    def ages(self) -> tuple[float, float] | None:
        """Seconds: of the newest and the oldest evidence used; None without evidence."""
        used = [part.age for part in self.contributions if part.age is not None and part.weight > 0]
        return (min(used), max(used)) if used else None
