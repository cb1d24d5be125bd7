"""The speech of the built-in clip: four sentences by an artificial voice, 15 s."""

from __future__ import annotations

from functools import lru_cache

import av
import numpy as np
from numpy.typing import NDArray

from edge import clip


@lru_cache
def clip_sound() -> NDArray[np.float32]:
    """(n,) at 16 kHz, read-only."""
    with av.open(str(clip.path())) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=16000)
        parts = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        sound = np.concatenate([part.to_ndarray()[0] for part in parts]).astype(np.float32)
    sound.flags.writeable = False
    return sound
