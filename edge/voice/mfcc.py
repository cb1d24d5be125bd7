"""Mel-frequency cepstral coefficients (Davis & Mermelstein, IEEE Trans. ASSP 28(4), 1980).

They are computed by python_speech_features, which the extra `mfcc` installs.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.errors import MissingExtraError
from edge.hearing.resample import RATE

CEPSTRA: Final = 13
"""Number of coefficients per frame."""
FRAMES: Final = 300
"""Number of frames, which cover 3 s."""
WINDOW: Final = 400
"""Length of a frame in samples at 16 kHz: 25 ms."""
STEP: Final = 160
"""Samples at 16 kHz from one frame to the next: 10 ms."""
_FFT_SIZE: Final = 512
"""Length of the FFT in samples."""

FRONT_END: Final = {
    "name": "mfcc13",
    "rate": RATE,
    "window": WINDOW,
    "step": STEP,
    "frames": FRAMES,
    "features": CEPSTRA,
}
"""The description of this front end in a model card."""


def mel_cepstra(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Computes the cepstra, (300, 13) float32, of (n,) samples at 16 kHz in −1…1.

    Frames of 25 ms start every 10 ms; frames beyond the end of the sound are 0. The first coefficient of a frame is its
    log energy. Raises `MissingExtraError`.
    """
    found = np.zeros((FRAMES, CEPSTRA), np.float32)
    count = min(FRAMES, (len(samples) - WINDOW) // STEP + 1)
    if count > 0:
        sound = samples[: (count - 1) * STEP + WINDOW]
        found[:count] = cepstra(sound, WINDOW, STEP, _FFT_SIZE)
    return found


def cepstra(samples: NDArray[np.floating], window: int, step: int, transform: int) -> NDArray[np.float64]:
    """Computes cepstra with pre-emphasis 0.97, 26 mel bands and lifter 22; the first coefficient is the log energy.

    Args:
        samples: (n,) at 16 kHz, −1…1, a whole number of frames.
        window: Length of a frame in samples.
        step: Samples from one frame to the next.
        transform: Length of the FFT in samples.

    Returns:
        (frames, 13) float64.

    Raises:
        MissingExtraError: python_speech_features is not installed.
    """
    try:
        from python_speech_features import mfcc
    except ImportError as error:
        raise MissingExtraError("mel cepstra", "mfcc") from error
    return np.asarray(mfcc(samples * 32768, RATE, window / RATE, step / RATE, CEPSTRA, nfft=transform), np.float64)
