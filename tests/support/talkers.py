"""Made-up talkers: mouths that open and close, and sound that rises and falls with one of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edge.observation import Mouth, SoundLevel

QUIET, LOUD = -4.0, 0.0
"""Levels of a silent room and of a loud vowel, in decades."""
_AHEAD_S = 0.04
"""Seconds by which the mouth precedes the sound, as in speech."""


class Utterance:
    """A random opening and closing of the mouth between two times."""

    def __init__(self, begin: float, end: float, seed: int) -> None:
        self.begin, self.end = begin, end
        rng = np.random.default_rng(seed)
        self._times = np.arange(begin - 0.2, end + 0.3, 0.14)
        self._values = rng.choice([0.0, 0.15, 0.85, 1.0], len(self._times))
        self._values[[0, -1]] = 0.0

    def opening(self, at: float) -> float:
        """How wide the mouth stands open, 0…1."""
        return float(np.interp(at, self._times, self._values, left=0.0, right=0.0))

    def loudness(self, at: float) -> float:
        """Level of the sound in decades."""
        if not self.begin <= at <= self.end:
            return QUIET
        return LOUD - 1.6 * (1.0 - self.opening(at - _AHEAD_S))


def mouth(person: int, at: float, opening: float, scale: float = 60.0, across: float = 0.5) -> Mouth:
    """A mouth that is open by 0…1, of a face whose eyes are `scale` pixels apart."""
    return Mouth(
        person=person,
        captured_at=at,
        gap=scale * (0.03 + 0.15 * opening),
        width=scale * (0.8 - 0.03 * opening),
        jaw=scale * (1.1 + 0.12 * opening),
        lower=scale * (0.6 + 0.13 * opening),
        scale=scale,
        across=across,
    )


def heard(at: float, level: float, *, azimuth: float | None = None) -> SoundLevel:
    """10 ms of sound that end at `at`; loud sound is speech."""
    return SoundLevel(at, level, level - 0.5, 1.0 if level > QUIET + 1 else 0.0, azimuth)


def events(
    mouths: dict[int, Utterance | None], voices: list[Utterance], until: float, *, fps: float = 25.0
) -> Iterator[Mouth | SoundLevel]:
    """Mouths (person → what it says; None for a still one) and the sound of the voices, in the order of time.

    Each mouth trembles as the landmarks of a still face do.
    """
    rng = np.random.default_rng(7)
    frame = 0
    for step in range(1, round(until * 100) + 1):
        at = step / 100
        while frame / fps <= at:
            for person, said in mouths.items():
                open_by = said.opening(frame / fps) if said else 0.0
                yield mouth(person, frame / fps, open_by + float(rng.normal(0, 0.01)))
            frame += 1
        yield heard(at, max((voice.loudness(at) for voice in voices), default=QUIET))


def levels_of(voice: Utterance, until: float) -> NDArray[np.float64]:
    """Rows of time, level, middle level and probability of speech, (n, 4)."""
    found = [heard(step / 100, voice.loudness(step / 100)) for step in range(1, round(until * 100) + 1)]
    return np.array([(one.ends_at, one.level, one.middle, one.speech) for one in found])
