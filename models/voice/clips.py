"""Every clip of RAVDESS, EMO-DB and CREMA-D: who speaks in it, which class was acted, and what reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.voice.logmel import RATE, SECONDS, logmel
from edge.voice.pitch import Track, pitch_track
from models.voice.nets.melpitch import MelPitch
from models.voice.protocols.folds import CLASSES, fold

Sound: TypeAlias = NDArray[np.float32]
"""(samples,) at 16 kHz."""
Mel: TypeAlias = NDArray[np.float32]
"""(64, 188) log-mel in 0…1."""
Recorded: TypeAlias = NDArray[np.float32]
"""A clip as it is at hand: a `Sound`, or, of CREMA-D, a `Mel`."""


EMO_DB_SECONDS: Final = 2.0
"""The nets were trained and measured on the first two seconds of EMO-DB's clips, which is what their cards report."""


@dataclass(frozen=True)
class Clip:
    """One clip; `name` is its class, as the corpus calls it."""

    corpus: str
    speaker: str
    name: str
    read: Callable[[], Recorded]

    @property
    def fold(self) -> int:
        """The fold that measures its speaker."""
        return fold(self.corpus, self.speaker)


def sounds(folder: Path) -> list[Clip]:
    """The clips that are at hand as sound. `folder`: that of the voice corpora."""
    return [*_ravdess(folder), *_emo_db(folder)]


def clips(folder: Path) -> list[Clip]:
    """All clips, those of `sounds` first."""
    return [*sounds(folder), *_crema_d(folder)]


def of_sound(sound: Sound) -> tuple[Mel, Track]:
    """Log-mel and pitch of the first three seconds, as the device computes them."""
    return logmel(sound), pitch_track(sound[: round(SECONDS * RATE)])


def mel_and_pitch(recorded: Recorded, pitch_net: MelPitch) -> tuple[Mel, Track]:
    """The same for a clip of either kind; `pitch_net` estimates the pitch where only a log-mel is stored."""
    return of_sound(recorded) if recorded.ndim == 1 else (recorded, pitch_net.track(recorded))


def _ravdess(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "ravdess").glob("Actor_*/*.flac")):
        parts = path.stem.split("-")
        yield Clip("RAVDESS", parts[6], CLASSES["RAVDESS"][int(parts[2]) - 1], _reader(path))


def _emo_db(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "emodb").glob("*.flac")):
        yield Clip("EMO-DB", path.stem[:2], path.stem[5], _reader(path, EMO_DB_SECONDS))


def _crema_d(folder: Path) -> Iterator[Clip]:
    with np.load(folder / "crema_d" / "logmel64_webp.npz", allow_pickle=False) as file:
        blob, offset, names = file["blob"], file["offset"], file["name"]
    for i, name in enumerate(names):
        yield Clip("CREMA-D", name[:4], name[9:12], _decoder(blob[offset[i] : offset[i + 1]]))


def _reader(path: Path, seconds: float | None = None) -> Callable[[], Recorded]:
    """Reads the whole file, or its first `seconds`."""

    def read() -> Recorded:
        import soundfile

        samples, rate = soundfile.read(path, -1 if seconds is None else round(seconds * RATE), dtype="float32")
        assert rate == RATE, f"{path} has {rate} Hz"
        return np.asarray(samples)

    return read


def _decoder(webp: NDArray[np.uint8]) -> Callable[[], Recorded]:
    def decode() -> Recorded:
        image = cv2.imdecode(webp, cv2.IMREAD_GRAYSCALE)
        assert image is not None, "the corpus file is damaged"
        return np.asarray(image, np.float32) / np.float32(63)

    return decode
