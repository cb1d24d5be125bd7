"""`python -m models.face.protocols.tracking --data DIR`: scores how well trackers keep identities.

Clips of several persons are composed of real faces (`models.face.protocols.scenes`). The tracker gets either the true
boxes with simulated detector noise or the detections of the real detector in the rendered frames. The persons are not
those on which the tracker's appearance parameters were measured.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.face.appearance import LENGTH, appearances
from edge.face.boxes import Box, Detection
from edge.face.detector import open_detector
from edge.face.tracker import Track, Tracker
from models.corpora import add_data_option, require
from models.face.protocols import actors, rendering, scenes
from models.face.protocols.identity import IdentityScore, Moment, score

CORPUS: Final = "face/landmarks68"
"""Path of the photos below the data folder."""
_TRUE: Final = 0.6
"""A face with a smaller visible share may be missed without an error."""
_GONE: Final = 0.2
"""A face with a smaller visible share counts as absent."""


class AnyTracker(Protocol):
    """Common interface of the compared trackers."""

    def update(
        self, faces: Sequence[Detection], now: float, appearances: NDArray[np.float32] | None = None
    ) -> tuple[Track, ...]: ...


class OverlapTracker:
    """Baseline that assigns each face to the track with the largest overlap (IoU); ids expire after one second."""

    def __init__(self) -> None:
        self._tracks: dict[int, Track] = {}
        self._next = 1

    def update(
        self,
        faces: Sequence[Detection],
        now: float,
        appearances: NDArray[np.float32] | None = None,
    ) -> tuple[Track, ...]:
        self._tracks = {p: track for p, track in self._tracks.items() if now - track.seen_at <= 1.0}
        overlaps = ((t.face.box.iou(face.box), p, i) for p, t in self._tracks.items() for i, face in enumerate(faces))
        persons: set[int] = set()
        taken: set[int] = set()
        for overlap, person, index in sorted(overlaps, reverse=True):
            if overlap >= 0.2 and person not in persons and index not in taken:
                persons.add(person)
                taken.add(index)
                self._tracks[person] = Track(person, faces[index], now)
        for index, face in enumerate(faces):
            if index not in taken:
                self._tracks[self._next] = Track(self._next, face, now)
                persons.add(self._next)
                self._next += 1
        return tuple(self._tracks[person] for person in sorted(persons))


class PlaceTracker(Tracker):
    """The tracker without appearance; it uses position and size only."""

    def update(
        self,
        faces: Sequence[Detection],
        now: float,
        appearances: NDArray[np.float32] | None = None,
    ) -> tuple[Track, ...]:
        return super().update(faces, now)


TRACKERS: Final[dict[str, type[AnyTracker]]] = {
    "overlap": OverlapTracker,
    "place": PlaceTracker,
    "place and looks": Tracker,
}
"""The compared trackers by name."""


def noisy(faces: Sequence[rendering.Seen], rng: np.random.Generator) -> list[Detection]:
    """Simulated detections: boxes with small errors and some misses, mostly of partly hidden faces."""
    found: list[tuple[float, Detection]] = []
    for face in faces:
        chance = 0.97 if face.visible >= _TRUE else 0.97 * (face.visible - _GONE) / (_TRUE - _GONE)
        if rng.random() >= chance:
            continue
        side = face.box.width * float(np.exp(rng.normal(0, 0.04)))
        x, y = (c + float(rng.normal(0, 0.03)) * side for c in face.box.centre)
        found.append((face.visible, Detection(Box(x - side / 2, y - side / 2, side, side), 0.9)))
    # A detector merges boxes that overlap by more than this.
    found.sort(key=lambda pair: -pair[0])
    kept: list[Detection] = []
    for _, detection in found:
        if all(detection.box.iou(other.box) <= 0.3 for other in kept):
            kept.append(detection)
    return kept


def truth(faces: Sequence[rendering.Seen]) -> tuple[dict[int, Box], tuple[Box, ...]]:
    """Boxes of the faces that must be found, by person, and boxes of the faces that may be missed."""
    needed = {face.person: face.box for face in faces if face.visible >= _TRUE}
    return needed, tuple(face.box for face in faces if face.visible < _TRUE)


def measure(
    clips: Iterable[tuple[str, Iterable[rendering.Shot]]], detectors: Sequence[str], seed: int, every: int = 1
) -> dict[tuple[str, str, str], list[IdentityScore]]:
    """Runs all trackers on all clips.

    Args:
        clips: Kind of scene and frames of each clip.
        detectors: `truth` for true boxes with simulated noise, or names of detectors.
        seed: Seed of the simulated noise.
        every: Number of frames from one detection to the next.

    Returns:
        The scores of each clip by (detections, tracker, kind of scene).
    """
    rng = np.random.default_rng(seed)
    results: dict[tuple[str, str, str], list[IdentityScore]] = {}
    for kind, shots in clips:
        trackers = {(d, t): make() for d in detectors for t, make in TRACKERS.items()}
        moments: dict[tuple[str, str], list[Moment]] = {key: [] for key in trackers}
        finders = {name: open_detector(config.Face(detector=name)) for name in detectors if name != "truth"}  # type: ignore[arg-type]
        for index, shot in enumerate(shots):
            if index % every:
                continue
            needed, ignored = truth(shot.faces)
            for name in detectors:
                faces = noisy(shot.faces, rng) if name == "truth" else list(finders[name].detect(shot.image, shot.at))
                looks = appearances(shot.image, faces)
                for tracker in TRACKERS:
                    tracks = trackers[name, tracker].update(faces, shot.at, looks)
                    tracked = {track.person: track.face.box for track in tracks}
                    moments[name, tracker].append(Moment(needed, ignored, tracked))
        for (name, tracker), seen in moments.items():
            results.setdefault((name, tracker, kind), []).append(score(seen))
    return results


def clips(
    folder: Path, count: int, seed: int, kinds: Sequence[str] = tuple(scenes.SCENES), part: int = 1
) -> Iterator[tuple[str, Iterator[rendering.Shot]]]:
    """Renders clips, each with newly drawn persons.

    Args:
        folder: Folder of the photos.
        count: Number of clips of each kind.
        seed: Seed of plans, persons and rendering.
        kinds: Kinds of scenes.
        part: 0 or 1, the half of the persons that is used.

    Yields:
        Kind of scene and frames of each clip.
    """
    rng = np.random.default_rng(seed)
    by_person: dict[str, list[str]] = {}
    for video in actors.videos(folder):
        by_person.setdefault(actors.identity(video), []).append(video)
    people = sorted(by_person)[part::2]
    for kind in kinds:
        for _ in range(count):
            scene = scenes.SCENES[kind](rng)
            persons = rng.choice(people, len(scene.paths), replace=False)
            players = actors.cast(folder, [str(rng.choice(by_person[person])) for person in persons])
            yield scene.kind, rendering.play(scene, players, rng)


def table(results: dict[tuple[str, str, str], list[IdentityScore]]) -> str:
    """Markdown table of IDF1 in per cent and identity switches by kind of scene."""
    kinds = list(dict.fromkeys(kind for _, _, kind in results))
    rows = ["| detections | tracker | " + " | ".join(kinds) + " | all | found |", "|---" * (len(kinds) + 4) + "|"]
    for name, tracker in dict.fromkeys((name, tracker) for name, tracker, _ in results):
        sums = [sum(results[name, tracker, kind], IdentityScore()) for kind in kinds]
        whole = sum(sums, IdentityScore())
        cells = [f"{100 * s.idf1:.1f} ({s.switches})" for s in (*sums, whole)]
        rows.append(f"| {name} | {tracker} | " + " | ".join(cells) + f" | {100 * whole.recall:.1f} |")
    clips_of = ", ".join(f"{kind}: {len(results[(*next(iter(results))[:2], kind)])}" for kind in kinds)
    return "\n".join([*rows, f"IDF1 in % (identity switches); clips: {clips_of}"])


def milliseconds(faces: int, looks: bool, rounds: int = 300) -> float:
    """Median duration of one update, milliseconds.

    Args:
        faces: Number of persons in view; one more has just left.
        looks: Whether the tracker gets appearances.
        rounds: Number of updates.
    """
    rng = np.random.default_rng(0)
    tracker = Tracker()
    centres = np.stack([np.arange(faces + 1) % 4 * 150.0 + 80, np.arange(faces + 1) // 4 * 150.0 + 80], axis=1)
    prints = rng.normal(0, 0.01, (faces + 1, LENGTH)).astype(np.float32)
    spent: list[float] = []
    for turn in range(rounds):
        # One more person appears in every twentieth round, so that the tracker also remembers one who has left.
        count = faces + (turn % 20 == 0)
        seen = [Detection(Box(x - 40, y - 40, 80, 80), 0.9) for x, y in centres[:count] + rng.normal(0, 2, (count, 2))]
        start = time.perf_counter()
        tracker.update(seen, turn / 10, prints[:count] if looks else None)
        if count == faces:
            spent.append(time.perf_counter() - start)
    return 1e3 * float(np.median(spent))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m models.face.protocols.tracking", description="Measure the tracker."
    )
    add_data_option(parser)
    parser.add_argument("--clips", type=int, default=20, help="clips of each kind (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="frames of 0.1 s from one look to the next (%(default)s)")
    parser.add_argument("--detectors", nargs="+", default=["truth", "blazeface"], metavar="NAME")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    folder = require(arguments.data, CORPUS)
    played = clips(folder, arguments.clips, arguments.seed)
    print(table(measure(played, arguments.detectors, arguments.seed, arguments.every)))
    for looks in (False, True):
        times = ", ".join(f"{n} faces {milliseconds(n, looks):.2f} ms" for n in (1, 4, 8))
        print(f"update {'with' if looks else 'without'} looks: {times}")


if __name__ == "__main__":
    main()
