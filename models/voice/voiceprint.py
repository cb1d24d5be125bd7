"""`python -m models.voice.voiceprint --data DIR`: how well `edge.voice.voiceprint` tells voices apart.

Prints the standard deviation of each number within a speaker, over nEMO and TESS, and the error rate at which as many
utterances of one speaker are parted as utterances of two speakers are joined, by corpus and by the number of utterances
that are already known of the voice.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from numpy.typing import NDArray

from edge.voice.pitch import pitch_track
from edge.voice.voiceprint import SAME, distance, voiceprint
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.voice.clips import whole_clips

FITTED = ("nEMO", "TESS")
"""Corpora that set the spreads; no protocol measures them."""
TRIALS = 60
"""Pairs of each kind a speaker."""


def errors(
    prints: NDArray[np.float32], speakers: NDArray[np.str_], known: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Share of utterances of the same speaker that are parted, and of other speakers that are joined, at `SAME`.

    Args:
        prints: (n, 13) voiceprints of one corpus.
        speakers: (n,) speakers.
        known: Utterances whose mean voiceprint is known.
        rng: Source of randomness.
    """
    parted, joined = [], []
    for speaker in np.unique(speakers):
        own, others = np.flatnonzero(speakers == speaker), np.flatnonzero(speakers != speaker)
        for _ in range(TRIALS):
            first, *rest = rng.permutation(own)[: known + 1]
            voice = prints[rest].mean(0)
            parted.append(distance(voice, prints[first]) > SAME)
            joined.append(distance(voice, prints[rng.choice(others)]) <= SAME)
    return float(np.mean(parted)), float(np.mean(joined))


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.voice.voiceprint", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--every", type=int, default=2, metavar="N", help="only every N-th clip (%(default)s)")
    arguments = parser.parse_args()
    found, speakers, corpora = [], [], []
    for clip in whole_clips(require(arguments.data, "voice"))[:: arguments.every]:
        if clip.corpus == "CREMA-D":  # there is no sound of it
            continue
        sound = clip.read()[:48_000]
        one = voiceprint(sound, pitch_track(sound))
        if one is not None:
            found.append(one)
            speakers.append(clip.speaker)
            corpora.append(clip.corpus)
    prints, speaker, corpus = np.stack(found), np.array(speakers), np.array(corpora)
    within = [
        prints[(corpus == c) & (speaker == s)] - prints[(corpus == c) & (speaker == s)].mean(0)
        for c in FITTED
        for s in np.unique(speaker[corpus == c])
    ]
    print("spread:", np.concatenate(within).std(0).round(3).tolist())
    rng = np.random.default_rng(1)
    for name in np.unique(corpus):
        for known in (1, 4, 12):
            parted, joined = errors(prints[corpus == name], speaker[corpus == name], known, rng)
            print(f"{name}, {known} utterances known: {parted:.1%} parted, {joined:.1%} joined")
    return 0


if __name__ == "__main__":
    sys.exit(main())
