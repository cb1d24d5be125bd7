"""Mel-frequency cepstral coefficients (Davis & Mermelstein, IEEE Trans. ASSP 28(4), 1980), by python_speech_features.

Needs the extra `mfcc`.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingExtraError
from edge.hearing.resample import RATE

CEPSTRA: Final = 13
FRAMES: Final = 300
"""3 s."""
WINDOW: Final = 400
STEP: Final = 160
_TRANSFORM: Final = 512

FRONT_END: Final = {
    "name": "mfcc13",
    "rate": RATE,
    "window": WINDOW,
    "step": STEP,
    "frames": FRAMES,
    "features": CEPSTRA,
}
"""How a card names this front end."""


def mel_cepstra(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(300, 13) float32 of (n,) samples at 16 kHz in −1…1, every 10 ms over 25 ms; frames beyond the sound are 0.

    The first number of a frame is the logarithm of its energy. Raises `MissingExtraError`.
    """
    found = np.zeros((FRAMES, CEPSTRA), np.float32)
    count = min(FRAMES, (len(samples) - WINDOW) // STEP + 1)
    if count > 0:
        sound = samples[: (count - 1) * STEP + WINDOW]
        found[:count] = cepstra(sound, WINDOW, STEP, _TRANSFORM)
    return found


def cepstra(samples: NDArray[np.floating], window: int, step: int, transform: int) -> NDArray[np.float64]:
    """(frames, 13) of whole windows: pre-emphasis 0.97, 26 mel bands, lifter 22, first one the log energy.

    `window`, `step` and `transform` in samples at 16 kHz. Raises `MissingExtraError`.
    """
    try:
        from python_speech_features import mfcc
    except ImportError as error:
        raise MissingExtraError("mel cepstra", "mfcc") from error
    return np.asarray(mfcc(samples * 32768, RATE, window / RATE, step / RATE, CEPSTRA, nfft=transform), np.float64)
