"""The cached statistics of Whisper's layers (`models.voice.whisper.extract`) as inputs of the head."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import ModelError
from models.voice.utterances import Utterances

LAYERS: Final = (1, 2)
"""Layers whose statistics the head reads; 0 is the output of the convolutions."""


@dataclass(frozen=True)
class Statistics:
    """Statistics of n clips, float16."""

    windows: NDArray[np.float16]
    """(m, d) of every window of the unchanged clips."""
    owners: NDArray[np.int64]
    """(m,) number of each window's clip."""
    variants: tuple[NDArray[np.float16], ...]
    """(n, d) of each augmented variant; zeros where a clip has none."""

    @property
    def clips(self) -> NDArray[np.float32]:
        """(n, d) mean over the windows of each unchanged clip."""
        count = np.bincount(self.owners)
        total = np.zeros((len(count), self.windows.shape[1]), np.float32)
        np.add.at(total, self.owners, self.windows.astype(np.float32))
        return np.asarray(total / count[:, None], np.float32)


@dataclass(frozen=True)
class Material:
    """Everything that the heads learn from."""

    shown: Statistics
    """Statistics of n clips."""
    spoken: Utterances
    """The n clips."""
    affect: NDArray[np.float32]
    """(n, 2) targets of arousal and valence."""


def load(folder: Path) -> Statistics:
    """Reads what `models.voice.whisper.extract` has written. Raises `ModelError` if it is missing or unfinished."""
    paths = sorted(folder.glob("stats_*.npy"))
    if not paths or not (folder / "index.npz").exists():
        raise ModelError(f"{folder} holds no features: run python -m models.voice.whisper.extract first")
    found = []
    for number, path in enumerate(paths):
        stored = np.load(path, mmap_mode="r")
        note = folder / f"done_{number}.txt"
        if not note.exists() or int(note.read_text()) < len(stored):
            if number == 0:
                raise ModelError(f"{path} is unfinished: run python -m models.voice.whisper.extract again")
            break
        found.append(np.ascontiguousarray(stored[:, LAYERS, :]).reshape(len(stored), -1))
    with np.load(folder / "index.npz", allow_pickle=False) as index:
        return Statistics(found[0], index["owner"], tuple(found[1:]))
