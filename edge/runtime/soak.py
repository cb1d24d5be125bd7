"""Soak test: processes hours of sound as fast as possible and reports whether memory grows."""

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
"""Seconds in an hour."""


@dataclass(frozen=True, slots=True)
class Hour:
    """The state of the process after some hours of sound."""

    hours: float
    """Hours of sound processed so far."""
    memory_mb: float
    """Present resident memory in MB."""
    observations: int
    """Number of observations of voice and keywords so far."""


def sound(file: Path, config: Config, hours: float, every: float = 1.0) -> Iterator[Hour]:
    """Processes the sound of a file repeatedly and yields reports.

    The first report follows a single round, as the baseline before memory can have grown.

    Args:
        file: A media file with sound.
        config: Gives the settings of voice and words.
        hours: Hours of sound to process.
        every: Hours of sound between two reports.

    Raises:
        SourceError: The file has no sound, or this system does not report the memory of a process.
        ModelError: The voice model cannot be loaded or fails.
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
    """Decodes the sound of a file. Raises `SourceError` if it has none."""
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
        raise SourceError("this system does not report how much memory a process uses")
    return memory[0]
