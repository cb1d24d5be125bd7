"""The audio-visual clips of which scenes are composed: GRID's talkers before a plain wall, and CREMA-D."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.errors import SourceEnded, SourceError
from edge.face.sense import FaceSense
from edge.observation import Frame, Mouth
from edge.sources.media import MediaFile

RATE: Final = 16_000
"""Sampling rate of all sound, in hertz."""
QUIET_DB: Final = 25.0
"""Sound more than this many dB below the loudest 40 ms of its clip counts as silence."""
ABOVE_FLOOR_DB: Final = 10.0
"""Speech is at least this many dB above the noise of the clip, which is its level for a tenth of the time."""
CREMA_D_TALKER: Final = "crema_d_1001"
"""Name of the one actor whose clips of CREMA-D are used."""
_BRIDGED_S: Final = 0.2
"""A silence within an utterance that is shorter than this many seconds belongs to it."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One talker who says one sentence."""

    name: str
    """File name without suffix."""
    talker: str
    """Name of the person; the clips of CREMA-D's actor have the same."""
    fps: float
    """Frames per second."""
    frames: tuple[NDArray[np.uint8], ...]
    """The images in BGR, (height, width, 3)."""
    sound: NDArray[np.float32]
    """(n,) at 16 kHz, aligned so that sample 0 is at the time of frame 0."""
    mouths: NDArray[np.float64]
    """(frames, 5): gap, width, jaw, lower lip and scale in pixels, as the face sense measures them."""
    speech: tuple[tuple[float, float], ...]
    """Begin and end of each stretch of speech, in seconds from frame 0."""


def load(path: Path, talker: str | None = None) -> Clip:
    """Reads a clip with one face. Raises `SourceError` if it has no sound, or if the face is not seen in each frame."""
    times: list[float] = []
    frames: list[NDArray[np.uint8]] = []
    sound: list[NDArray[np.float32]] = []
    rows: list[Mouth | None] = []
    sound_at = 0.0
    sense = FaceSense(config.Face())
    with MediaFile(path) as media:
        while True:
            try:
                item = media.read()
            except SourceEnded:
                break
            if isinstance(item, Frame):
                sense.look(item)
                times.append(item.captured_at)
                frames.append(item.image)
                rows.append(largest(sense.mouths))
            else:
                sound_at = item.captured_at if not sound else sound_at
                sound.append(item.samples)
    if not sound or any(row is None for row in rows):
        raise SourceError(f"{path} is no clip of one face with sound; scenes are composed of av/grid and av/crema_d")
    shift = round((sound_at - times[0]) * RATE)
    joined = np.concatenate(sound)
    aligned = np.pad(joined, (shift, 0)) if shift >= 0 else joined[-shift:]
    return Clip(
        name=path.stem,
        talker=talker or path.stem,
        fps=(len(times) - 1) / (times[-1] - times[0]),
        frames=tuple(frames),
        sound=aligned.astype(np.float32),
        mouths=np.array([measures(row) for row in rows if row is not None]),
        speech=stretches(active(aligned)),
    )


def largest(mouths: tuple[Mouth, ...]) -> Mouth | None:
    """The mouth of the largest face; None without a face."""
    return max(mouths, key=lambda mouth: mouth.scale, default=None)


def measures(mouth: Mouth) -> tuple[float, ...]:
    """Gap, width, jaw, lower lip and scale of a mouth, in pixels."""
    return mouth.gap, mouth.width, mouth.jaw, mouth.lower, mouth.scale


def active(sound: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether each 10 ms of a clip's sound is speech: near the loudest, above the noise, short silences included."""
    step = RATE // 100
    power = np.square(sound[: len(sound) // step * step].reshape(-1, step)).mean(1)
    power = np.convolve(power, np.full(4, 0.25), "same")
    floor = np.quantile(power[power > 0], 0.1) if power.any() else 0.0
    loud = power > max(power.max() * 10 ** (-QUIET_DB / 10), floor * 10 ** (ABOVE_FLOOR_DB / 10))
    for begin, end in stretches(~loud):
        if end - begin < _BRIDGED_S and begin > 0 and round(end * 100) < len(loud):
            loud[round(begin * 100) : round(end * 100)] = True
    # A click of the recording is no speech.
    for begin, end in stretches(loud):
        if end - begin < 0.1:
            loud[round(begin * 100) : round(end * 100)] = False
    return np.asarray(loud)


def stretches(mask: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Begin and end in seconds of each run of True, for a mask with one value per 10 ms."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return tuple((begin / 100, end / 100) for begin, end in edges.reshape(-1, 2).tolist())


def grid(data: Path) -> tuple[Clip, ...]:
    """The six talkers of GRID, in the order of their file names."""
    return tuple(load(path) for path in sorted((data / "av" / "grid").glob("*.mpg")))


def crema_d(data: Path) -> tuple[Clip, ...]:
    """The four clips of one actor of CREMA-D."""
    return tuple(load(path, CREMA_D_TALKER) for path in crema_d_files(data))


def crema_d_files(data: Path) -> tuple[Path, ...]:
    """The files of the four clips of CREMA-D."""
    return tuple(sorted((data / "av" / "crema_d").glob("*.flv")))
