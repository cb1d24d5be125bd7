"""RAVDESS, CREMA-D and EMO-DB as log-mels with their own classes and the seven labels, and who speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from edge.voice.intonation import SIZE as PITCH_SIZE
from edge.voice.intonation import intonation
from edge.voice.logmel import RATE, SECONDS, logmel
from edge.voice.pitch import Track, pitch_track
from models.voice.folds import CLASSES, FOLDS, fold
from models.voice.melpitch import MelPitch

LEVELS: Final = 252
"""Spectrograms are kept as bytes of 0…252, four a step of CREMA-D's 0…63."""

SEVEN: Final[dict[str, dict[str, str]]] = {
    "RAVDESS": {
        "neutral": "neutral",
        "calm": "neutral",  # the database's second baseline, and none of the seven is nearer
        "happy": "happiness",
        "sad": "sadness",
        "angry": "anger",
        "fearful": "fear",
        "disgust": "disgust",
        "surprised": "surprise",
    },
    "CREMA-D": {
        "ANG": "anger",
        "DIS": "disgust",
        "FEA": "fear",
        "HAP": "happiness",
        "NEU": "neutral",
        "SAD": "sadness",
    },
    "EMO-DB": {  # without L, boredom: it is none of the seven, and acted it is far from neutral
        "W": "anger",
        "E": "disgust",
        "A": "fear",
        "F": "happiness",
        "T": "sadness",
        "N": "neutral",
    },
}
"""The project's label for a corpus's class, where there is one."""

NONE: Final = -1


@dataclass(frozen=True)
class Voices:
    """Clips: `mels` (n, 64, 188) uint8 of 0…`LEVELS`; `pitch` (n, 37) intonation; `corpora` and `speakers` (n,) names;
    `classes` (n,) int64 in the order of `folds.CLASSES`; `labels` (n,) int64 in the order of `LABELS`, `NONE` where
    none fits; `folds` (n,)."""

    mels: NDArray[np.uint8]
    pitch: NDArray[np.float32]
    corpora: NDArray[np.str_]
    speakers: NDArray[np.str_]
    classes: NDArray[np.int64]
    labels: NDArray[np.int64]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.classes)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Voices:
        """Some rows."""
        return Voices(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def unheard(self, number: int) -> NDArray[np.bool_]:
        """(n,): whose speakers are held out in a round."""
        rounds = np.array([FOLDS[corpus] for corpus in self.corpora])
        return np.asarray(self.folds == number % rounds)


Heard: TypeAlias = tuple[NDArray[np.float32], Track | None]
"""The log-mel, and the pitch where the sound is at hand."""
Clip: TypeAlias = tuple[str, str, str, Callable[[], Heard]]
"""Corpus, speaker, class, and what reads it."""


def load(data: Path, tell: Callable[[str], None] = lambda _: None, only: int | None = None) -> Voices:
    """All clips, or those that measure one round; waveforms go through the device's own front end.

    Raises `ModelError` without the net that hears pitch in a log-mel.
    """
    found = [*_sounds(data / "voice"), *_spectrograms(data / "voice")]
    clips = [clip for clip in found if only is None or fold(clip[0], clip[1]) == only]
    mels = np.empty((len(clips), 64, 188), np.uint8)
    pitch = np.empty((len(clips), PITCH_SIZE), np.float32)
    hears = MelPitch()
    for i, (_, _, _, read) in enumerate(clips):
        mel, track = read()
        mels[i] = np.rint(mel * LEVELS)
        pitch[i] = intonation(track or hears.track(mel))
        if (i + 1) % 1000 == 0:
            tell(f"{i + 1} of {len(clips)} clips")
    seven = (SEVEN[corpus].get(name) for corpus, _, name, _ in clips)
    return Voices(
        mels,
        pitch,
        corpora=np.array([corpus for corpus, *_ in clips]),
        speakers=np.array([speaker for _, speaker, *_ in clips]),
        classes=np.array([CLASSES[corpus].index(name) for corpus, _, name, _ in clips]),
        labels=np.array([NONE if label is None else LABELS.index(label) for label in seven]),
        folds=np.array([fold(corpus, speaker) for corpus, speaker, *_ in clips]),
    )


def sounds(data: Path) -> list[tuple[str, NDArray[np.float32], Track]]:
    """Corpus, log-mel and pitch of every clip that is at hand as sound."""
    read = ((corpus, *read()) for corpus, _, _, read in _sounds(data / "voice"))
    return [(corpus, mel, track) for corpus, mel, track in read if track]


def _sounds(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "ravdess").glob("Actor_*/*.flac")):
        parts = path.stem.split("-")
        yield "RAVDESS", parts[6], CLASSES["RAVDESS"][int(parts[2]) - 1], _reader(path)
    for path in sorted((folder / "emodb").glob("*.flac")):
        yield "EMO-DB", path.stem[:2], path.stem[5], _reader(path)


def _spectrograms(folder: Path) -> Iterator[Clip]:
    with np.load(folder / "crema_d" / "logmel64_webp.npz", allow_pickle=False) as file:
        blob, offset, names = file["blob"], file["offset"], file["name"]
    for i, name in enumerate(names):
        yield "CREMA-D", name[:4], name[9:12], _decoder(blob[offset[i] : offset[i + 1]])


def _reader(path: Path) -> Callable[[], Heard]:
    def read() -> Heard:
        import soundfile

        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE, f"{path} has {rate} Hz"
        return logmel(samples), pitch_track(samples[: round(SECONDS * RATE)])

    return read


def _decoder(webp: NDArray[np.uint8]) -> Callable[[], Heard]:
    def decode() -> Heard:
        image = cv2.imdecode(webp, cv2.IMREAD_GRAYSCALE)
        assert image is not None, "the corpus file is damaged"
        return np.asarray(image, np.float32) / np.float32(63), None

    return decode


def as_input(mels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(n, 64, 188) bytes → (n, 64, 188, 1) float32 in 0…1."""
    return mels[..., None].astype(np.float32) / np.float32(LEVELS)
