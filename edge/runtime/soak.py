"""Whether memory stays flat: hours of sound through the ears as fast as they go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge.config import Config
from edge.errors import SourceEnded, SourceError
from edge.health import host
from edge.observation import AudioChunk
from edge.runtime.ears import Ears
from edge.sources.media import MediaFile

_HOUR_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Hour:
    """After so many hours of sound."""

    hours: float
    memory_mb: float
    """Resident now."""
    observations: int
    """Of voice and of keywords, so far."""


def sound(file: Path, config: Config, hours: float, every: float = 1.0) -> Iterator[Hour]:
    """Hears the sound of `file` over and over, until `hours` of it are heard; tells every `every` hours.

    The first report comes after a single round, before anything can have grown. Raises `SourceError` where the file
    has no sound or this system does not tell a process's memory, `ModelError`.
    """
    ears = Ears.open(config.voice, config.words)
    chunks = decoded(file)
    length = chunks[-1].captured_at + chunks[-1].duration
    observations, rounds, due = 0, 0, 0.0
    while True:
        for chunk in chunks:
            at = chunk.captured_at + rounds * length
            observations += len(ears.hear(replace(chunk, captured_at=at)))
            heard = (at + chunk.duration) / _HOUR_S
            if rounds and heard >= min(due, hours):
                yield Hour(round(heard, 3), _resident_mb(), observations)
                due += every
            if heard >= hours:
                return
        rounds += 1


def decoded(file: Path) -> tuple[AudioChunk, ...]:
    """The sound of a file, decoded once."""
    found = []
    with MediaFile(file) as media, suppress(SourceEnded):
        if not media.has_audio:
            raise SourceError(f"file {file} has no sound")
        while True:
            item = media.read()
            if isinstance(item, AudioChunk):
                found.append(item)
    return tuple(found)


def _resident_mb() -> float:
    memory = host.memory()
    if memory is None:
        raise SourceError("this system does not tell how much memory a process has")
    return memory[0]
