"""The recordings of noise for scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FOLDER: Final = "noise/speech_commands_background"
"""Folder of the recordings within the corpora: 30 s each, 16 kHz."""


def load(data: Path) -> tuple[NDArray[np.float32], ...]:
    """Reads all recordings, (n,) float32 at 16 kHz each, in the order of their file names."""
    import soundfile

    files = sorted(path for path in (data / FOLDER).iterdir() if path.suffix in {".opus", ".ogg", ".wav", ".flac"})
    return tuple(np.asarray(soundfile.read(file, dtype="float32")[0], np.float32) for file in files)
