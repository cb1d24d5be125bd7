"""Runs a scene or a clip through the face sense and hearing, and scores the attribution of its speech."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from edge import config
from edge.face.sense import FaceSense
from edge.hearing.hearing import Hearing
from edge.observation import AudioChunk, Frame, Mouth, SoundLevel
from edge.speaker.attributor import Attributor
from edge.speaker.envelope import Envelope
from edge.speaker.model import SpeakerModel
from models.speaker.scenes import OFF_SCREEN

DECIDED_AFTER_S: Final = 0.5
"""Each moment of speech is decided this many seconds later, with what was seen and heard until then."""
_STEP_S: Final = 0.04
"""Seconds between two decisions."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """What the face sense and hearing made of a scene, in the order in which it came."""

    events: tuple[tuple[float, Mouth | SoundLevel], ...]
    """Time in seconds at which each mouth or level was known."""
    speech: tuple[tuple[float, float, int], ...]
    """Begin, end and speaker of each stretch of speech."""
    places: tuple[float, ...]
    """Horizontal position of each face, 0…1."""
    duration: float
    """Length in seconds."""


@dataclass(slots=True)
class Tally:
    """Seconds of speech by what became of them, and latencies."""

    attributed: float = 0.0
    """Attributed to whoever spoke."""
    wrong: float = 0.0
    """Attributed to a person who did not speak."""
    to_nobody: float = 0.0
    """Spoken by a person in the image and attributed to nobody in it."""
    unknown: float = 0.0
    """Not attributed."""
    latencies: list[float] = field(default_factory=list)
    """Seconds from the begin of each stretch of speech to the first right answer about the present."""
    stretches: int = 0
    """Number of stretches of speech, with or without an answer."""

    @property
    def total(self) -> float:
        """All seconds that were scored."""
        return self.attributed + self.wrong + self.to_nobody + self.unknown

    def add(self, other: Tally) -> None:
        """Adds another tally to this one."""
        self.attributed += other.attributed
        self.wrong += other.wrong
        self.to_nobody += other.to_nobody
        self.unknown += other.unknown
        self.latencies += other.latencies
        self.stretches += other.stretches


def record(
    items: Iterable[Frame | AudioChunk],
    speech: Sequence[tuple[float, float, int]],
    places: Sequence[float],
) -> Recording:
    """Runs frames and sound through a new face sense and hearing.

    Args:
        items: Frames and sound in the order of time.
        speech: Begin, end and speaker of each stretch of speech.
        places: Horizontal position of each face, 0…1.
    """
    face, envelope = FaceSense(config.Face()), Envelope()
    hearing = Hearing([envelope])
    events: list[tuple[float, Mouth | SoundLevel]] = []
    now = 0.0
    for item in items:
        if isinstance(item, Frame):
            now = max(now, item.captured_at)
            face.look(item)
            events += [(now, mouth) for mouth in face.mouths]
        else:
            now = max(now, item.captured_at + item.duration)
            hearing.hear(item)
            events += [(now, level) for level in envelope.take()]
    return Recording(tuple(events), tuple(speech), tuple(places), now)


def score(recording: Recording, model: SpeakerModel) -> Tally:
    """Scores the attribution of a recording. Without any speech, all of its time is scored as spoken by nobody."""
    attributor = Attributor(model)
    persons: dict[int, int] = {}
    tally = Tally(stretches=len(recording.speech))
    waiting = {index: begin for index, (begin, _, _) in enumerate(recording.speech)}
    events = list(recording.events)
    at = 0
    for now in np.arange(_STEP_S, recording.duration + DECIDED_AFTER_S, _STEP_S).tolist():
        while at < len(events) and events[at][0] <= now:
            event = events[at][1]
            if isinstance(event, Mouth):
                attributor.see(event)
                distances = [abs(place - event.across) for place in recording.places]
                persons.setdefault(event.person, int(np.argmin(distances)) if distances else OFF_SCREEN)
            else:
                attributor.hear(event)
            at += 1
        moment = now - DECIDED_AFTER_S
        speaker = _speaker(recording, moment)
        if speaker is not None:
            _count(tally, attributor, moment, speaker, persons)
        for index, begin in list(waiting.items()):
            if begin <= now <= recording.speech[index][1] + DECIDED_AFTER_S:
                found = attributor.speaker_at(min(now, recording.speech[index][1]))
                if _right(found.kind, persons.get(found.person), recording.speech[index][2]):
                    tally.latencies.append(now - begin)
                    del waiting[index]
    return tally


def _speaker(recording: Recording, moment: float) -> int | None:
    """Whoever speaks at a moment; None while nobody does, unless nobody ever does."""
    if not recording.speech:
        return OFF_SCREEN if moment >= 0 else None
    return next((who for begin, end, who in recording.speech if begin <= moment < end), None)


def _count(tally: Tally, attributor: Attributor, moment: float, speaker: int, persons: dict[int, int]) -> None:
    found = attributor.speaker_at(moment)
    if _right(found.kind, persons.get(found.person), speaker):
        tally.attributed += _STEP_S
    elif found.kind == "person":
        tally.wrong += _STEP_S
    elif found.kind == "off_screen":
        tally.to_nobody += _STEP_S
    else:
        tally.unknown += _STEP_S


def _right(kind: str, face: int | None, speaker: int) -> bool:
    return kind == "off_screen" if speaker == OFF_SCREEN else kind == "person" and face == speaker
