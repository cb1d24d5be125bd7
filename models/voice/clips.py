"""The clips of RAVDESS, EMO-DB and CREMA-D with speaker, acted class and a function that reads the audio."""

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
"""Samples (n,) at 16 kHz."""
Mel: TypeAlias = NDArray[np.float32]
"""Log-mel spectrogram (64, 188) in 0…1."""
Recorded: TypeAlias = NDArray[np.float32]
"""A clip in its stored form: a `Sound`, or a `Mel` for CREMA-D, which is available as log-mel only."""


EMO_DB_SECONDS: Final = 2.0
"""Only the first two seconds of each EMO-DB clip are used in training and measuring, as the cards report."""


@dataclass(frozen=True)
class Clip:
    """One clip of a corpus."""

    corpus: str
    """Name of the corpus."""
    speaker: str
    """Identifier of the speaker in the corpus."""
    name: str
    """Acted class in the corpus's own naming."""
    read: Callable[[], Recorded]
    """Reads the clip from its file."""

    key: str = ""
    """Name of the clip in its corpus."""

    @property
    def fold(self) -> int:
        """Number of the fold whose test speakers include the speaker of this clip."""
        return fold(self.corpus, self.speaker)


def sounds(folder: Path) -> list[Clip]:
    """The clips that are available as sound; `folder` is the folder of the voice corpora."""
    return [*_ravdess(folder), *_emo_db(folder)]


def clips(folder: Path) -> list[Clip]:
    """All clips; those of `sounds` come first."""
    return [*sounds(folder), *_crema_d(folder)]


def whole_clips(folder: Path) -> list[Clip]:
    """All clips of all corpora at full length, those of nEMO and TESS too, which only train; CREMA-D's come last."""
    return [*_ravdess(folder), *_emo_db(folder, None), *_nemo(folder), *_tess(folder), *_crema_d(folder)]


def of_sound(sound: Sound) -> tuple[Mel, Track]:
    """Log-mel and pitch track of the first three seconds, computed by the device's front end."""
    return logmel(sound), pitch_track(sound[: round(SECONDS * RATE)])


def mel_and_pitch(recorded: Recorded, pitch_net: MelPitch) -> tuple[Mel, Track]:
    """Log-mel and pitch track of a clip; `pitch_net` estimates the pitch if only a log-mel is stored."""
    return of_sound(recorded) if recorded.ndim == 1 else (recorded, pitch_net.track(recorded))


def _ravdess(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "ravdess").glob("Actor_*/*.flac")):
        parts = path.stem.split("-")
        yield Clip("RAVDESS", parts[6], CLASSES["RAVDESS"][int(parts[2]) - 1], _reader(path), path.stem)


def _emo_db(folder: Path, seconds: float | None = EMO_DB_SECONDS) -> Iterator[Clip]:
    for path in sorted((folder / "emodb").glob("*.flac")):
        yield Clip("EMO-DB", path.stem[:2], path.stem[5], _reader(path, seconds), path.stem)


def _nemo(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "nemo").glob("*.opus")):
        speaker, emotion, _ = path.stem.split("_")
        yield Clip("nEMO", speaker, emotion, _reader(path), path.stem)


def _tess(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "tess").glob("*.opus")):
        speaker, _, emotion = path.stem.split("_")
        # One file of the first woman is named OA_… instead of OAF_…
        yield Clip("TESS", "OAF" if speaker == "OA" else speaker, emotion, _reader(path), path.stem)


def _crema_d(folder: Path) -> Iterator[Clip]:
    with np.load(folder / "crema_d" / "logmel64_webp.npz", allow_pickle=False) as file:
        blob, offset, names = file["blob"], file["offset"], file["name"]
    for i, name in enumerate(names):
        yield Clip("CREMA-D", name[:4], name[9:12], _decoder(blob[offset[i] : offset[i + 1]]), str(name))


def _reader(path: Path, seconds: float | None = None) -> Callable[[], Recorded]:
    """Returns a function that reads the whole file, or its first `seconds`."""

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
