"""`python -m models.eyes.blinks --data DIR`: compares the blinks counted in real films with a count by hand.

The thresholds of `edge.face.blink` were chosen on these same films, because no other annotated films are available.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from edge import config
from edge.detail import FaceDetail
from edge.errors import EdgeEmotionError, SourceEnded
from edge.face.sense import FaceSense
from edge.observation import Frame
from edge.sources.media import MediaFile
from models.corpora import add_data_option, require

TRUTH: Final = {
    "av/clips/WolfgangLanger_Pexels.mp4": (6.42, 8.43, 10.36, 12.03, 16.10, 17.86),
    "av/clips/single_face.mp4": (0.88,),
    "av/crema_d/1001_DFA_ANG_XX.flv": (),
    "av/crema_d/1001_DFA_HAP_XX.flv": (0.20,),
    "av/crema_d/1001_DFA_NEU_XX.flv": (0.28,),
    "av/crema_d/1001_DFA_SAD_XX.flv": (0.21,),
}
"""Seconds at which the eyes were most closed, annotated by hand frame by frame.

Eyes that stay closed for long do not count as a blink; the first film begins and ends with closed eyes.
"""
_BEFORE_S, _AFTER_S = 0.15, 0.45
"""A counted blink matches an annotation from 0.15 s before it to 0.45 s after it, since the count rises only when the
eyes are open again."""


def counted(path: Path) -> list[float]:
    """Times in seconds at which the face sense counted a blink of the attended person."""
    face = FaceSense(config.Face())
    blinks, found = 0, []
    with MediaFile(path) as media, suppress(SourceEnded):
        while True:
            item = media.read()
            if not isinstance(item, Frame):
                continue
            for seen in face.look(item)[:1]:
                assert isinstance(seen.detail, FaceDetail)
                assert isinstance(seen.detail.blinks, int)
                now = seen.detail.blinks
                found += [item.captured_at] * max(0, now - blinks)
                blinks = now
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.eyes.blinks", description=__doc__)
    add_data_option(parser)
    arguments = parser.parse_args()
    print("| film | blinks | found | counted besides |\n|---|---|---|---|")
    for name, truth in TRUTH.items():
        try:
            found = counted(require(arguments.data, name))
        except EdgeEmotionError as error:
            sys.exit(f"error: {error}")
        hits = sum(any(-_BEFORE_S <= at - blink <= _AFTER_S for at in found) for blink in truth)
        false = sum(not any(-_BEFORE_S <= at - blink <= _AFTER_S for blink in truth) for at in found)
        print(f"| {name} | {len(truth)} | {hits} | {false} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
