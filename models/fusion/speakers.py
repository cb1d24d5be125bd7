"""Measures whose voice is attributed to whom, on composed scenes and on real clips.

The scenes are pictures and sound that pass through the face sense and hearing of the device. Each is measured with the
model that was trained without the talkers in it, so talkers and voices are strangers. Every moment of speech counts as
it is decided half a second later.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np

from edge.errors import SourceEnded
from edge.observation import AudioChunk, Frame
from edge.sources.media import MediaFile
from edge.speaker.model import SpeakerModel
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.speaker import clips, compose, noise
from models.speaker.measure import Recording, Tally, record, score
from models.speaker.scenes import KINDS, Scene, plan
from models.speaker.train import FOLDER, Folds, key

SCENES: Final = 10
"""Number of scenes of each kind."""
SEED: Final = 20_000
"""Seed of the first scene; those of the others follow."""
HARDEST: Final = "off screen, one mouth moves"
"""The kind of scene in which only synchrony tells: the one moving mouth says another sentence than the one heard."""
REAL: Final = "real clips of one talker (CREMA-D)"
"""Name of the row of real clips."""


def main_rows(data: Path, count: int) -> Iterator[dict[str, Any]]:
    """Yields one row for each kind of scene, one for all of them, and one for the real clips.

    Args:
        data: Folder of the corpora.
        count: Number of scenes of each kind.
    """
    models = {name: SpeakerModel(parameters) for name, parameters in folds().models.items()}
    total, usual = Tally(), Tally()
    for kind, recordings in composed(data, count):
        tally = Tally()
        for left_out, recording in recordings:
            tally.add(score(recording, models[left_out]))
        if recordings[0][1].speech:
            total.add(tally)
        if recordings[0][1].speech and kind != HARDEST:
            usual.add(tally)
        yield row(kind, tally)
    yield row("all scenes with speech", total)
    yield row(f"all but {HARDEST!r}", usual)
    tally = Tally()
    for recording in real(data):
        tally.add(score(recording, models[key([clips.CREMA_D_TALKER])]))
    yield row(REAL, tally)


def folds() -> Folds:
    """Reads the models for measuring, which `python -m models.speaker.train --folds` writes."""
    return msgspec.json.decode((FOLDER / "folds.json").read_bytes(), type=Folds)


def composed(data: Path, count: int) -> Iterator[tuple[str, list[tuple[str, Recording]]]]:
    """Yields each kind of scene with its recordings, and for each the key of the model that does not know its talkers.

    Args:
        data: Folder of the corpora.
        count: Number of scenes of each kind.
    """
    talkers = clips.grid(data)
    noises = noise.load(data)
    # The groups are used in turn, from another one on for each kind, so that all talkers play all parts.
    groups = itertools.cycle(itertools.combinations(range(len(talkers)), 3))
    seed = SEED
    for kind in KINDS:
        recordings = []
        for _ in range(count):
            group = next(groups)
            people = np.random.default_rng(seed).permutation(group).tolist()
            scene = plan(kind, talkers, people, seed)
            seed += 1
            recordings.append((key([talkers[index].talker for index in group]), recorded(scene, talkers, noises)))
        for _ in range(3):
            next(groups)
        yield kind, recordings


def recorded(scene: Scene, talkers: Sequence[clips.Clip], noises: Sequence[Any]) -> Recording:
    """Composes a scene and runs it through the senses."""
    return record(compose.items(scene, talkers, noises), scene.speech(talkers), compose.places(scene))


def real(data: Path) -> Iterator[Recording]:
    """Yields the real clips of one face that speaks, as they are."""
    for clip, path in zip(clips.crema_d(data), clips.crema_d_files(data), strict=True):
        yield record(_items(path), [(begin, end, 0) for begin, end in clip.speech], (0.5,))


def _items(path: Path) -> Iterator[Frame | AudioChunk]:
    with MediaFile(path) as media:
        while True:
            try:
                yield media.read()
            except SourceEnded:
                return


def row(scene: str, tally: Tally) -> dict[str, Any]:
    """The figures of one kind of scene: shares of speech, and latencies in milliseconds."""

    def share(seconds: float) -> float:
        return round(seconds / max(tally.total, 1e-9), 4)

    found = sorted(tally.latencies)
    return {
        "scene": scene,
        "attributed": share(tally.attributed),
        "wrong": share(tally.wrong),
        "unknown": share(tally.unknown + tally.to_nobody),
        "called_off_screen": share(tally.to_nobody),
        "seconds": round(tally.total, 1),
        "utterances": tally.stretches,
        "utterances_answered": len(found),
        "latency_ms_median": round(1e3 * float(np.median(found))) if found else None,
        "latency_ms_p95": round(1e3 * float(np.quantile(found, 0.95))) if found else None,
    }


@one_line_errors
def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.fusion.speakers", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object a row")
    parser.add_argument("--scenes", type=int, default=SCENES, metavar="N", help=f"scenes a kind, default {SCENES}")
    options = parser.parse_args(argv)
    data = require(options.data, "av/grid").parent.parent
    for found in main_rows(data, options.scenes):
        if options.json:
            print(json.dumps(found), flush=True)
        else:
            print(
                f"{found['scene']:<36} attributed {found['attributed']:6.1%}  wrong {found['wrong']:6.1%}  "
                f"unknown {found['unknown']:6.1%}  (called off screen {found['called_off_screen']:.1%})  "
                f"latency {found['latency_ms_median']} / {found['latency_ms_p95']} ms  {found['seconds']} s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
