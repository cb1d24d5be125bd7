"""A coarse voiceprint: the pitch and timbre of an utterance, to notice that somebody else speaks.

Where no face tells who speaks, utterances of like pitch and timbre count as one speaker's. Emotion changes a voice as
much as the speaker does, so this is a fallback only: once twelve utterances of a voice are known, a further one is
taken for somebody else in 2 % of cases in nEMO, 20 % in RAVDESS, 32 % in EMO-DB, and somebody else's is taken for this
voice in 30, 24 and 26 % (`python -m models.voice.voiceprint`).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.voice.pitch import Track
from edge.voice.whisper_mel import BANDS, whisper_mel

SIZE: Final = 13
"""Numbers in a voiceprint: median pitch in semitones, then twelve cosines of the mean spectrum."""
SPREAD: Final = np.array(
    [3.07, 0.028, 0.020, 0.016, 0.011, 0.011, 0.010, 0.009, 0.008, 0.007, 0.007, 0.007, 0.006], np.float32
)
"""(13,) standard deviation of each number over the utterances of one speaker in all emotions (nEMO and TESS)."""
SAME: Final = 1.6
"""Distance up to which two voiceprints count as one speaker's; about as many are parted as are joined wrongly."""
_LOUD: Final = 0.25
"""Frames within this range below the loudest frame, 20 dB on the scale of the log-mel, make the mean spectrum."""
_LEAST_VOICED: Final = 5
"""With fewer voiced frames than this, there is no pitch and no voiceprint."""


def voiceprint(samples: NDArray[np.float32], track: Track) -> NDArray[np.float32] | None:
    """Computes the voiceprint, (13,) float32; None where little is voiced.

    Args:
        samples: (n,) float32 at 16 kHz; the first 3 s are used.
        track: The pitch track of these samples.
    """
    _, semitones = track.voiced()
    if len(semitones) < _LEAST_VOICED:
        return None
    mel = whisper_mel(samples)
    level = mel.mean(1)
    spectrum = mel[level > level.max() - _LOUD].mean(0)
    bands = (np.arange(BANDS) + 0.5) / BANDS
    cosines = np.cos(np.pi * np.outer(np.arange(1, SIZE), bands)) @ spectrum * (2 / BANDS)
    return np.concatenate([[np.median(semitones)], cosines]).astype(np.float32)


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Root mean square of the differences of two voiceprints, each in units of `SPREAD`."""
    return float(np.sqrt(np.mean(np.square((one - other) / SPREAD))))
