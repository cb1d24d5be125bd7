"""Plans of scenes with several people, of whom one, two in turn, or none speaks. The same seed gives the same plan.

A plan says which frame of which clip each person shows at each moment, and which sounds are heard. `compose` makes
pictures and sound of it; the mouths alone can also be taken from the measures of the clips.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.speaker.clips import Clip

FPS: Final = 25
"""Frames per second of a scene."""
OFF_SCREEN: Final = -1
"""Index of a speaker who is not in the image."""

_BEFORE_S: Final = 1.0
"""Seconds before the first clip, in which everybody is silent."""
_AFTER_S: Final = 0.5
"""Seconds after the last clip."""
_LEAST_SHIFT_S: Final = 0.4
"""A mouth that says its own sentence at another time is at least this many seconds away in the sentence's middle."""
_STILL_AFTER_S: Final = 0.3
"""Seconds after the end of the speech from which a talker keeps still."""


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One person in the image."""

    clip: int
    """Index of the clip that shows the person."""
    frames: NDArray[np.int64]
    """(n,): index of the clip's frame in each frame of the scene."""
    mirrored: bool = False
    """Whether the image is mirrored, so that a talker can stand beside himself."""


@dataclass(frozen=True, slots=True)
class Voice:
    """The sound of one clip."""

    clip: int
    """Index of the clip that is heard."""
    begins_at: float
    """Seconds from the start of the scene at which the clip begins."""
    speaker: int
    """Index of the face that speaks; `OFF_SCREEN` if it is not in the image."""
    gain_db: float = 0.0
    """Level relative to that of the other voices."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The plan of one scene."""

    kind: str
    """Name of its kind, one of `KINDS`."""
    seed: int
    """Seed of everything random in it."""
    faces: tuple[Face, ...]
    """The people in the image, from left to right."""
    voices: tuple[Voice, ...]
    """The voices. One with a gain below 0 is a disturbance whose speech belongs to nobody."""
    duration: float
    """Length in seconds."""
    noise_db: float | None = None
    """Signal-to-noise ratio in dB; None for a quiet room."""

    def speech(self, clips: Sequence[Clip]) -> tuple[tuple[float, float, int], ...]:
        """Begin and end in seconds, and speaker, of each stretch of speech that has to be attributed."""
        return tuple(
            (voice.begins_at + begin, voice.begins_at + end, voice.speaker)
            for voice in self.voices
            if voice.gain_db >= 0
            for begin, end in clips[voice.clip].speech
        )


class _Stage:
    """Makes plans from the clips of some talkers. `people`: indices of one clip for each person of the scene."""

    def __init__(self, clips: Sequence[Clip], people: Sequence[int], seed: int) -> None:
        self.clips = clips
        self.people = list(people)
        self.rng = np.random.default_rng(seed)
        self.seed = seed

    def length(self, clip: int) -> float:
        return len(self.clips[clip].frames) / self.clips[clip].fps

    def still(self, clip: int, n: int) -> NDArray[np.int64]:
        """Frames of a talker who keeps still: those after the speech, forwards and backwards."""
        source = self.clips[clip]
        first = min(int((source.speech[-1][1] + _STILL_AFTER_S) * source.fps), len(source.frames) - 4)
        return _to_and_fro(first, len(source.frames) - 1, np.arange(n) * source.fps / FPS + self.rng.integers(20))

    def speaking(self, clip: int, begins_at: float, n: int) -> NDArray[np.int64]:
        """Frames of a talker who speaks once; before and after it, the first and last frames to and fro."""
        source = self.clips[clip]
        at = (np.arange(n) / FPS - begins_at) * source.fps
        last = len(source.frames) - 1
        quiet = max(3, last - int((source.speech[-1][1] + _STILL_AFTER_S) * source.fps))
        before = _to_and_fro(0, 4, -at)
        after = last - _to_and_fro(0, quiet, at - last)
        return np.where(at < 0, before, np.where(at > last, after, np.clip(np.round(at), 0, last).astype(int)))

    def muttering(self, clip: int, n: int, busy: Sequence[tuple[float, float]]) -> NDArray[np.int64]:
        """Frames of a talker who says the clip's sentence without sound, over and over, while others speak.

        `busy`: times in seconds at which the clip's own sound is heard, from which the mouth keeps its distance.
        """
        source = self.clips[clip]
        begin, end = source.speech[0][0] - 0.15, source.speech[-1][1] + 0.1
        first, last = max(0, int(begin * source.fps)), min(len(source.frames) - 1, int(end * source.fps))
        speed = self.rng.uniform(0.85, 1.2)
        for _ in range(100):
            phase = self.rng.uniform(0, 2 * (last - first))
            frames = _to_and_fro(first, last, np.arange(n) * source.fps / FPS * speed + phase)
            own = [
                frames[int(at * FPS)] / source.fps - (at - start)
                for start, stop in busy
                for at in (start, (start + stop) / 2)
            ]
            if all(abs(offset) > _LEAST_SHIFT_S for offset in own):
                break
        return frames

    def chewing(self, clip: int, n: int) -> NDArray[np.int64]:
        """Frames of a mouth that opens and closes steadily: a second of speech, forwards and backwards, warped."""
        source = self.clips[clip]
        begin, end = source.speech[0][0], source.speech[-1][1]
        length = self.rng.uniform(0.35, 0.6)
        first = int(self.rng.uniform(begin, end - length) * source.fps)
        speed = self.rng.uniform(0.7, 1.3) * (
            1 + 0.3 * np.sin(np.arange(n) / FPS * 2 * np.pi * self.rng.uniform(0.1, 0.4))
        )
        at = np.cumsum(speed) * source.fps / FPS
        return _to_and_fro(first, first + int(length * source.fps), at)


def _to_and_fro(first: int, last: int, at: NDArray[np.floating]) -> NDArray[np.int64]:
    """Indices that run from `first` to `last` and back, over and over, at the positions `at`."""
    length = max(1, last - first)
    phase = np.mod(np.round(np.abs(at)).astype(int), 2 * length)
    return np.asarray(first + np.where(phase <= length, phase, 2 * length - phase), np.int64)


def _one_speaks(
    stage: _Stage,
    kind: str,
    bystanders: int,
    moving: Callable[[int, int], NDArray[np.int64]] | None = None,
    **options: float,
) -> Scene:
    """One of `1 + bystanders` people speaks; the first bystander shows `moving(clip, n)`, the others keep still."""
    speaker, *others = stage.people
    duration = _BEFORE_S + stage.length(speaker) + _AFTER_S
    n = round(duration * FPS)
    others = [others[index % len(others)] for index in range(bystanders)]
    faces = [Face(speaker, stage.speaking(speaker, _BEFORE_S, n))]
    for index, other in enumerate(others):
        frames = moving(other, n) if moving and index == 0 else stage.still(other, n)
        faces.append(Face(other, frames, mirrored=other in others[:index]))
    order = stage.rng.permutation(len(faces))
    place = int(np.flatnonzero(order == 0)[0])
    voices = [Voice(speaker, _BEFORE_S, place)]
    if "second_db" in options:
        second = stage.people[-1]
        voices.append(Voice(second, _BEFORE_S + stage.rng.uniform(-0.3, 0.3), OFF_SCREEN, options["second_db"]))
    arranged = tuple(faces[index] for index in order)
    return Scene(kind, stage.seed, arranged, tuple(voices), duration, options.get("noise_db"))


def _in_turn(stage: _Stage) -> Scene:
    first, second, *others = stage.people
    pause = stage.rng.uniform(-0.9, 0.2)
    second_at = _BEFORE_S + stage.length(first) + pause
    duration = second_at + stage.length(second) + _AFTER_S
    n = round(duration * FPS)
    faces = [Face(first, stage.speaking(first, _BEFORE_S, n)), Face(second, stage.speaking(second, second_at, n))]
    if stage.rng.random() < 0.5:
        faces.append(Face(others[0], stage.still(others[0], n)))
    order = stage.rng.permutation(len(faces)).tolist()
    voices = (Voice(first, _BEFORE_S, order.index(0)), Voice(second, second_at, order.index(1)))
    return Scene("two in turn", stage.seed, tuple(faces[index] for index in order), voices, duration)


def _nobody(stage: _Stage) -> Scene:
    duration = 4.5
    n = round(duration * FPS)
    first, second, *_ = stage.people
    faces = (Face(first, stage.muttering(first, n, ())), Face(second, stage.still(second, n)))
    return Scene("nobody speaks, one mouth moves", stage.seed, faces, (), duration, 10.0)


def _off_screen(stage: _Stage, moving: bool) -> Scene:
    speaker, *others = stage.people
    duration = _BEFORE_S + stage.length(speaker) + _AFTER_S
    n = round(duration * FPS)
    faces = [Face(other, stage.still(other, n)) for other in others[:2]]
    if moving:
        faces[0] = Face(others[0], stage.muttering(others[0], n, ()))
    kind = "off screen, one mouth moves" if moving else "off screen"
    return Scene(kind, stage.seed, tuple(faces), (Voice(speaker, _BEFORE_S, OFF_SCREEN),), duration)


def _shifted(stage: _Stage) -> Scene:
    """A person whose own sound comes at another time: for training only."""
    speaker = stage.people[0]
    duration = _BEFORE_S + stage.length(speaker) + _AFTER_S
    n = round(duration * FPS)
    busy = [(_BEFORE_S + begin, _BEFORE_S + end) for begin, end in stage.clips[speaker].speech]
    faces = (Face(speaker, stage.muttering(speaker, n, [(_BEFORE_S, busy[-1][1])])),)
    return Scene("shifted", stage.seed, faces, (Voice(speaker, _BEFORE_S, OFF_SCREEN),), duration)


_MAKERS: Final[dict[str, Callable[[_Stage], Scene]]] = {
    "one of two speaks": lambda stage: _one_speaks(stage, "one of two speaks", 1),
    "one of three speaks": lambda stage: _one_speaks(stage, "one of three speaks", 2),
    "one of four speaks": lambda stage: _one_speaks(stage, "one of four speaks", 3),
    "two in turn": _in_turn,
    "nobody speaks, one mouth moves": _nobody,
    "another chews": lambda stage: _one_speaks(stage, "another chews", 1 + int(stage.rng.integers(2)), stage.chewing),
    "another's mouth speaks in silence": lambda stage: _one_speaks(
        stage,
        "another's mouth speaks in silence",
        1 + int(stage.rng.integers(2)),
        lambda clip, n: stage.muttering(clip, n, ()),
    ),
    "off screen": lambda stage: _off_screen(stage, moving=False),
    "off screen, one mouth moves": lambda stage: _off_screen(stage, moving=True),
    "noise at 10 dB": lambda stage: _one_speaks(stage, "noise at 10 dB", 1, noise_db=10.0),
    "second voice at -10 dB": lambda stage: _one_speaks(stage, "second voice at -10 dB", 1, second_db=-10.0),
    "shifted": _shifted,
}
KINDS: Final = tuple(kind for kind in _MAKERS if kind != "shifted")
"""The kinds of scenes that are measured. `shifted`, somebody's own voice at another time, is for training only."""
TRAINED_KINDS: Final = tuple(_MAKERS)
"""The kinds of scenes from which is learnt."""


def plan(kind: str, clips: Sequence[Clip], people: Sequence[int], seed: int) -> Scene:
    """Plans one scene.

    Args:
        kind: One of `KINDS` or `TRAINED_KINDS`.
        clips: All clips.
        people: Indices of three clips of different talkers, of whom the first speaks first.
        seed: Seed of everything random.
    """
    return _MAKERS[kind](_Stage(clips, people, seed))
