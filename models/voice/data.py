"""RAVDESS, CREMA-D and EMO-DB as log-mels with the seven labels, split by speaker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from edge.voice.logmel import RATE, logmel

Split: TypeAlias = Literal["train", "dev", "test"]

LEVELS: Final = 252
"""Spectrograms are kept as bytes of 0…252, four a step of CREMA-D's 0…63."""

SPEAKERS: Final[dict[str, dict[Split, tuple[str, ...]]]] = {
    "RAVDESS": {"test": ("02", "05", "14", "15", "16"), "dev": ("01", "04", "09", "22")},
    "CREMA-D": {
        "test": (
            *("1001", "1002", "1009", "1017", "1021", "1031", "1037", "1038"),
            *("1045", "1053", "1061", "1062", "1069", "1076", "1083", "1091"),
        ),
        "dev": ("1006", "1014", "1028", "1034", "1051", "1056", "1077", "1082"),
    },
    "EMO-DB": {"test": ("03", "08"), "dev": ("09", "10")},
}
"""Speakers of the held-out test set and of the dev set, men and women alike; all others train.

RAVDESS: the first of the five folds of Luna-Jiménez et al. is the test set, the last one dev. CREMA-D: every sixth
man and every sixth woman; every twelfth of each from the fourth on.
"""

_RAVDESS: Final = {
    "01": "neutral",
    "02": "neutral",  # calm: the database's second baseline, and none of the seven is nearer
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
_CREMA_D: Final = {
    "ANG": "anger",
    "DIS": "disgust",
    "FEA": "fear",
    "HAP": "happiness",
    "NEU": "neutral",
    "SAD": "sadness",
}
_EMO_DB: Final = {  # without L, boredom: it is none of the seven, and acted it is far from neutral
    "W": "anger",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}


@dataclass(frozen=True)
class Voices:
    """`mels` (n, 64, 188) uint8 of 0…`LEVELS`; `labels` (n,) int64 in the order of `LABELS`; `corpora` (n,) names."""

    mels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    corpora: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Voices:
        """Some rows."""
        return Voices(self.mels[chosen], self.labels[chosen], self.corpora[chosen])


Clip: TypeAlias = tuple[str, str, str, Callable[[], NDArray[np.float32]]]
"""Corpus, speaker, label, and what makes the log-mel."""


def load(data: Path, split: Split, tell: Callable[[str], None] = lambda _: None) -> Voices:
    """All clips of the split's speakers; waveforms go through the device's own front end."""
    clips = [clip for clip in _clips(data / "voice") if _split(clip[0], clip[1]) == split]
    mels = np.empty((len(clips), 64, 188), np.uint8)
    for i, (_, _, _, make) in enumerate(clips):
        mels[i] = np.rint(make() * LEVELS)
        if (i + 1) % 1000 == 0:
            tell(f"{split}: {i + 1} of {len(clips)} clips")
    labels = np.array([LABELS.index(label) for _, _, label, _ in clips])
    return Voices(mels, labels, np.array([corpus for corpus, *_ in clips]))


def _split(corpus: str, speaker: str) -> Split:
    for split, speakers in SPEAKERS[corpus].items():
        if speaker in speakers:
            return split
    return "train"


def _clips(folder: Path) -> Iterator[Clip]:
    for path in sorted((folder / "ravdess").glob("Actor_*/*.flac")):
        fields = path.stem.split("-")
        yield "RAVDESS", fields[6], _RAVDESS[fields[2]], _reader(path)
    for path in sorted((folder / "emodb").glob("*.flac")):
        if path.stem[5] in _EMO_DB:
            yield "EMO-DB", path.stem[:2], _EMO_DB[path.stem[5]], _reader(path)
    with np.load(folder / "crema_d" / "logmel64_webp.npz", allow_pickle=False) as file:
        blob, offset, names = file["blob"], file["offset"], file["name"]
    for i, name in enumerate(names):
        yield "CREMA-D", name[:4], _CREMA_D[name[9:12]], _decoder(blob[offset[i] : offset[i + 1]])


def _reader(path: Path) -> Callable[[], NDArray[np.float32]]:
    def read() -> NDArray[np.float32]:
        import soundfile

        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE, f"{path} has {rate} Hz"
        return logmel(samples)

    return read


def _decoder(webp: NDArray[np.uint8]) -> Callable[[], NDArray[np.float32]]:
    def decode() -> NDArray[np.float32]:
        image = cv2.imdecode(webp, cv2.IMREAD_GRAYSCALE)
        assert image is not None, "the corpus file is damaged"
        return np.asarray(image, np.float32) / np.float32(63)

    return decode
