"""What the voice sense says about clips of speakers whom its model did not train on, as heard by the device's ears."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.emotions import LABELS
from edge.inference.interpreter import Interpreter, open_model
from edge.observation import AudioChunk, Observation
from edge.runtime.ears import Ears
from edge.voice.front_end import open_front_end
from edge.voice.logmel import RATE
from edge.voice.sense import VoiceSense
from models.voice.clips import Clip, Sound, sounds
from models.voice.data import SEVEN
from models.voice.protocols import held_out
from models.voice.protocols.noise import mixed

LEAD_S: Final = 1.5
"""Seconds of faint hiss before the clip, in which the detector learns the noise floor. The clip begins at time 0."""
_CHUNK: Final = 512
"""Samples per chunk given to the ears."""


class _Columns:
    """An interpreter of which only some columns of the first output are used."""

    def __init__(self, interpreter: Interpreter, columns: slice) -> None:
        self._interpreter = interpreter
        self._columns = columns
        self.name = interpreter.name

    def run(self, *values: NDArray[Any]) -> tuple[NDArray[np.float32], ...]:
        first, *others = self._interpreter.run(*values)
        return (first[:, self._columns], *others)


def held_out_sense(fold: int, model: Path | None = None) -> VoiceSense:
    """The voice sense with the network that did not train on the speakers of `fold`.

    The shipped model holds out fold 0. The nets of the other folds have more heads, of which the seven labels are used.

    Args:
        fold: Number of the fold.
        model: The voice model; None for the shipped one. The nets of its folds lie in `folds/` beside it.

    Raises:
        ModelError: A model is missing or invalid.
    """
    path = model or shipped.model("voice", "voice")
    sense = VoiceSense(config.Voice(model=str(path)))
    if fold == 0:
        return sense
    net = held_out.file(fold, path)
    interpreter, card = open_model(net)
    sense._interpreter = _Columns(interpreter, held_out.SEVEN)  # type: ignore[assignment]
    sense._front_end = open_front_end(card.front_end, str(net))
    sense.card = card
    return sense


def labelled(folder: Path, corpora: Sequence[str]) -> list[tuple[Clip, int]]:
    """The clips with one of the seven labels, and its index in `LABELS`.

    Args:
        folder: Folder of the voice corpora.
        corpora: Names of the corpora to use, of those that are available as sound.
    """
    named = [(clip, SEVEN[clip.corpus].get(clip.name)) for clip in sounds(folder) if clip.corpus in corpora]
    return [(clip, LABELS.index(label)) for clip, label in named if label is not None]


def hear(sense: VoiceSense, sound: Sound) -> list[Observation]:
    """The observations of the device's ears for a stream of sound that begins at `-LEAD_S` seconds."""
    ears = Ears(config.Voice(), voice=sense)
    found: list[Observation] = []
    for start in range(0, len(sound), _CHUNK):
        found += ears.hear(AudioChunk(sound[start : start + _CHUNK], RATE, start / RATE - LEAD_S))
    return [*found, *ears.flush()]


class Heard(msgspec.Struct, frozen=True):
    """What the voice sense said about one clip."""

    label: int
    """Index of the true label."""
    speaker: int
    """Number of the speaker."""
    seen: tuple[tuple[float, tuple[float, ...], float, bool], ...]
    """Time in seconds, posterior, quality, and whether it is final, of each observation in the order of time."""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """The observations."""
        return tuple(
            Observation("voice", at, posterior, quality, final=final) for at, posterior, quality, final in self.seen
        )


def voices(
    folder: Path,
    held_out_fold: bool,
    *,
    every: int = 1,
    seed: int = 7,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> list[Heard]:
    """What the voice sense says about RAVDESS' clips, by networks that did not train on their speakers.

    Args:
        folder: Folder of the voice corpora.
        held_out_fold: True for the actors whom the shipped model holds out (test), False for all others (validation).
        every: Only every `every`-th clip is heard.
        seed: Seed of the hiss around the clips.
        cache: Folder in which the result is kept for the next call; None to hear the clips again.
        report: Receives lines of progress.
    """
    clips = [(clip, label) for clip, label in labelled(folder, ("RAVDESS",)) if (clip.fold == 0) == held_out_fold]
    clips = clips[::every]
    name = f"{'test' if held_out_fold else 'validation'}-{every}-{seed}-{held_out_sense(0).card.sha256[:12]}.json"
    file = None if cache is None else cache / name
    if file is not None and file.exists():
        return msgspec.json.decode(file.read_bytes(), type=list[Heard])
    senses: dict[int, VoiceSense] = {}
    nothing = np.zeros(1, np.float32)
    found = []
    for number, (clip, label) in enumerate(clips):
        if clip.fold not in senses:
            senses[clip.fold] = held_out_sense(clip.fold)
        rng = np.random.default_rng((seed, number))
        seen = hear(senses[clip.fold], mixed(clip.read(), nothing, None, rng))
        said = tuple((one.captured_at, one.posterior, one.quality, one.final) for one in seen)
        found.append(Heard(label, int(clip.speaker), said))
        if (number + 1) % 100 == 0:
            report(f"{number + 1} of {len(clips)} voices heard")
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(msgspec.json.encode(found))
    return found
