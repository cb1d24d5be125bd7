"""`python -m models.face.protocols.detection --data DIR`: recall of the detectors by distance and rotation.

Photos of `landmarks68/test` are scaled into frames of 640×480 so that the face has the same size in pixels as in a
camera with a horizontal field of view of 62°: a breadth of 0.14 m at distance d spans 640 · 0.14 m / (2 · d · tan 31°)
pixels, which is 149 at 0.5 m, 75 at 1 m, 37 at 2 m and 25 at 3 m. The breadth is the longer side of the upright box of
the 68 landmarks. The photo is rotated about the face and surrounded by a blurred copy; noise of σ 3 is added. A face
counts as found if, within 300 ms of the last look at an empty scene, a detection's centre lies within 0.35 breadths of
the true one and its width is 0.5 to 2 breadths.

False alarms are counted on pictures composed of the parts of the photos without a face (some show a stranger in the
background), each shown for 300 ms, and on the clips, with ten looks a second.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeEmotionError, SourceEnded
from edge.face.blazeface import BlazeFace
from edge.face.blazeface_file import find
from edge.face.boxes import Box
from edge.face.detector import Detector
from edge.face.haar import HaarFace
from edge.face.pace import NEW_FACE_S
from edge.face.shape import upright_box
from edge.face.tiles import TiledBlazeFace, face_share
from edge.inference.interpreter import open_model
from edge.observation import Frame
from edge.sources.media import MediaFile
from models.corpora import add_data_option, require
from models.landmarks.data import read_annotations

PHOTOS: Final = "face/landmarks68"
"""Path of the photos below the data folder."""
CLIPS: Final = "av"
"""Path of the clips below the data folder."""
WIDTH: Final = 640
"""Width of a frame, pixels."""
HEIGHT: Final = 480
"""Height of a frame, pixels."""
DISTANCES: Final = (0.5, 1.0, 2.0, 3.0)
"""Distances of the face from the camera, metres."""
TURNS: Final = (0, 15, 30, 45)
"""Rotations of the face in the image plane, degrees; the direction alternates from photo to photo."""
EVERY_S: Final = 0.1
"""Configured interval between two looks, seconds; it is used for the clips."""
WAITED_S: Final = 2 / 15
"""Interval between two looks at a photo, seconds: the device waits for the next of 15 frames a second."""
LOOKS: Final = int(NEW_FACE_S / WAITED_S)
"""Number of looks within which a new face has to be found."""
_SETTLED: Final = 4
"""Number of looks after which a detector has learnt the interval between them."""
_CUT_S: Final = 2.39
"""Time in seconds at which `face_noface.mov` cuts from the face to a scene without a face."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    """One photo with its landmarks."""

    image: NDArray[np.uint8]
    """(height, width, 3) BGR image."""
    points: NDArray[np.float64]
    """(68, 2) landmarks, pixels."""


def photos(folder: Path, half: str, count: int) -> list[Photo]:
    """A random but fixed sample of photos.

    Args:
        folder: Folder of the corpus.
        half: `train` or `test`.
        count: Number of photos.
    """
    rows = list(read_annotations(folder, half).items())
    sample = np.random.default_rng(68).permutation(len(rows))[:count]
    return [_photo(folder / half / name, points) for name, points in (rows[i] for i in sample)]


def _photo(path: Path, points: NDArray[np.float64]) -> Photo:
    image = cv2.imread(str(path))
    if image is None:
        sys.exit(f"error: {path} is damaged or not there")
    return Photo(np.asarray(image, np.uint8), points)


def place(photo: Photo, distance_m: float, degrees: float, rng: np.random.Generator) -> tuple[NDArray[np.uint8], Box]:
    """Puts a face at a random place in a frame.

    Args:
        photo: Photo of the face.
        distance_m: Simulated distance from the camera, metres.
        degrees: Rotation of the photo, degrees.
        rng: Source of randomness.

    Returns:
        The frame (HEIGHT, WIDTH, 3), and the true box: a square about the face's centre with its breadth as side.
    """
    x, y, breadth, _ = upright_box(photo.points)
    side = face_share(distance_m) * WIDTH
    scale, angle = side / breadth, math.radians(degrees)
    at_x, at_y = (float(rng.uniform(0.75 * side, length - 0.75 * side)) for length in (WIDTH, HEIGHT))
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    matrix = np.column_stack([turn, np.array([at_x, at_y]) - turn @ np.array([x, y])])
    image = photo.image
    if scale < 0.9:  # average out the detail that a lens would not resolve
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.5 * math.sqrt(1 / scale**2 - 1)), np.uint8)
    shown = cv2.warpAffine(image, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = cv2.warpAffine(np.ones(image.shape[:2], np.float32), matrix, (WIDTH, HEIGHT))[..., None]
    around = cv2.resize(cv2.GaussianBlur(photo.image, (0, 0), 12), (WIDTH, HEIGHT))
    frame = shown * inside + around * (1 - inside) + rng.normal(0, 3, (HEIGHT, WIDTH, 3))
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8), Box(at_x - side / 2, at_y - side / 2, side, side)


def matches(found: Box, truth: Box) -> bool:
    """Whether a detection is the true face; the limits allow for detectors that frame more or less of the head."""
    (x, y), (true_x, true_y) = found.centre, truth.centre
    return math.hypot(x - true_x, y - true_y) <= 0.35 * truth.width and 0.5 <= found.width / truth.width <= 2.0


def faceless(shots: Sequence[Photo], count: int, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Composes frames without a face from shoulders and backgrounds of photos.

    Args:
        shots: The photos.
        count: Number of frames.
        rng: Source of randomness.

    Yields:
        Frames (HEIGHT, WIDTH, 3) of twelve pieces each, enlarged one to three times.
    """
    pieces = [piece for piece in map(_beside, shots) if piece is not None]
    tile = WIDTH // 4
    for _ in range(count):
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for top in range(0, HEIGHT, tile):
            for left in range(0, WIDTH, tile):
                piece = pieces[rng.integers(len(pieces))]
                zoom = max(rng.uniform(1, 3), *(1.01 * tile / length for length in piece.shape[:2]))
                large = cv2.resize(piece, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
                y, x = (int(rng.integers(0, length - tile + 1)) for length in large.shape[:2])
                frame[top : top + tile, left : left + tile] = large[y : y + tile, x : x + tile]
        yield frame


def _beside(photo: Photo) -> NDArray[np.uint8] | None:
    """The broadest strip left, right, above or below the face; None if it is narrower than 24 pixels."""
    x, y, breadth, _ = upright_box(photo.points)
    height, width = photo.image.shape[:2]
    reach = 0.8 * breadth
    left, right = max(0, round(x - reach)), min(width, round(x + reach))
    above, below = max(0, round(y - 1.2 * reach)), min(height, round(y + reach))
    strips = (photo.image[:, :left], photo.image[:, right:], photo.image[:above], photo.image[below:])
    best = max(strips, key=lambda strip: min(strip.shape[:2]))
    return best if min(best.shape[:2]) >= 24 else None


@dataclass(slots=True)
class Tally:
    """Results of one detector."""

    found: dict[tuple[float, int], list[int]] = field(default_factory=dict)
    """For each distance and rotation, the number of the look that found each face; 0 if it was not found."""
    milliseconds: list[float] = field(default_factory=list)
    """Duration of each look at a photo."""
    false: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each kind of picture without a face, the numbers of detections, looks and pictures."""
    clips: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    """For each clip with a face, the numbers of looks, of looks that found it and of other detections."""

    def recall(self, distance: float, degrees: int) -> float:
        """Share of faces found at this distance and rotation, 0…1."""
        looks = self.found[distance, degrees]
        return sum(look > 0 for look in looks) / len(looks)


Make = Callable[[], Detector]
"""Makes a new detector."""


def detectors(min_score: float) -> Mapping[str, Make]:
    """The compared detectors by name; BlazeFace only if its file is present. Raises `ModelError`."""
    path = find()
    every: dict[str, Make] = {}
    if path is not None:
        interpreter, card = open_model(path)
        blaze = BlazeFace(interpreter, min_score, card)
        every["BlazeFace, whole frame"] = lambda: blaze
        for metres in (2.0, 3.0):
            every[f"BlazeFace, tiles for {metres:g} m"] = partial(TiledBlazeFace, blaze, min_score, metres)
    every["Haar, 320 pixels"] = partial(HaarFace, min_score)
    every["Haar, 640 pixels"] = partial(HaarFace, min_score, WIDTH)
    return every


def measure_photos(make: Make, tally: Tally, shots: Sequence[Photo]) -> None:
    """Measures recall at every distance and rotation, on the same frames for every detector.

    Args:
        make: Makes the detector.
        tally: Results of the detector, to which the new ones are added.
        shots: The photos.
    """
    for distance in DISTANCES:
        for degrees in TURNS:
            looks: list[int] = []
            for number, photo in enumerate(shots):
                side = 1 if number % 2 else -1
                frame, truth = place(photo, distance, side * degrees, np.random.default_rng(number))
                looks.append(_first_look(make(), tally, frame, truth))
            tally.found[distance, degrees] = looks


def _first_look(detector: Detector, tally: Tally, frame: NDArray[np.uint8], truth: Box) -> int:
    """Number of the first look that finds the face, counted from 1; 0 if none does."""
    empty = np.full_like(frame, 128)
    for look in range(_SETTLED):
        detector.detect(empty, look * WAITED_S)
    for look in range(1, LOOKS + 1):
        started = time.perf_counter()
        faces = detector.detect(frame, (_SETTLED - 1 + look) * WAITED_S)
        tally.milliseconds.append(1000 * (time.perf_counter() - started))
        if any(matches(face.box, truth) for face in faces):
            return look
    return 0


def measure_faceless(make: Make, tally: Tally, frames: Sequence[NDArray[np.uint8]]) -> None:
    """Counts false alarms on pictures without a face.

    A detector looks at each picture as often as in 300 ms and once more, so that it can also follow a false alarm.

    Args:
        make: Makes the detector.
        tally: Results of the detector, to which the new ones are added.
        frames: The pictures.
    """
    alarms = 0
    for frame in frames:
        detector = make()
        alarms += sum(len(detector.detect(frame, look * WAITED_S)) for look in range(LOOKS + 1))
    tally.false["pictures without a face"] = alarms, len(frames) * (LOOKS + 1), len(frames)


def measure_clips(make: Make, tally: Tally, folder: Path) -> None:
    """Measures recall and false alarms on the clips, which show one face, no face, or a face that leaves.

    Args:
        make: Makes the detector.
        tally: Results of the detector, to which the new ones are added.
        folder: Folder of the clips.
    """
    for path in sorted((*folder.glob("clips/*.m*"), *folder.glob("crema_d/*.flv"))):
        detector, due = make(), 0.0
        looks, hits, others, empty_looks, empty_alarms = 0, 0, 0, 0, 0
        with MediaFile(path) as media:
            for frame in _frames(media):
                if frame.captured_at < due - 1e-3:
                    continue
                due = frame.captured_at + EVERY_S
                faces = len(detector.detect(frame.image, frame.captured_at))
                if path.stem == "no_face" or (path.stem == "face_noface" and frame.captured_at > _CUT_S):
                    empty_looks, empty_alarms = empty_looks + 1, empty_alarms + faces
                else:
                    looks, hits, others = looks + 1, hits + (faces > 0), others + max(0, faces - 1)
        if looks:
            tally.clips[path.name] = looks, hits, others
        if empty_looks:
            tally.false[path.name] = empty_alarms, empty_looks, empty_looks


def _frames(media: MediaFile) -> Iterator[Frame]:
    while True:
        try:
            item = media.read()
        except SourceEnded:
            return
        if isinstance(item, Frame):
            yield item


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.face.protocols.detection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(parser)
    parser.add_argument("--photos", type=int, default=150, help="of the test half (%(default)s)")
    parser.add_argument("--min-score", type=float, default=0.7, help="least score of a detection (%(default)s)")
    parser.add_argument("--only", default="", help="detectors whose name holds this")
    parser.add_argument("--json", action="store_true", help="one JSON object a detector")
    arguments = parser.parse_args()
    folder = require(arguments.data, PHOTOS)
    clips = require(arguments.data, CLIPS)
    shots = photos(folder, "test", arguments.photos)
    empty = list(faceless(photos(folder, "test", 10_000), max(1, arguments.photos // 2), np.random.default_rng(1)))
    tallies: dict[str, Tally] = {}
    try:
        for name, make in detectors(arguments.min_score).items():
            if arguments.only not in name:
                continue
            tally = tallies[name] = Tally()
            measure_photos(make, tally, shots)
            measure_faceless(make, tally, empty)
            measure_clips(make, tally, clips)
            if arguments.json:
                print(json.dumps(_row(name, tally)), flush=True)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    if not arguments.json:
        _tables(tallies, len(shots))
    return 0


def _row(name: str, tally: Tally) -> dict[str, object]:
    return {
        "detector": name,
        "recall": {
            f"{distance:g} m, {degrees}°": round(tally.recall(distance, degrees), 4)
            for distance, degrees in tally.found
        },
        "found_at_once": {
            f"{distance:g} m, {degrees}°": round(looks.count(1) / len(looks), 4)
            for (distance, degrees), looks in tally.found.items()
        },
        "milliseconds": round(float(np.median(tally.milliseconds)), 2),
        "false_of_looks_at_pictures": tally.false,
        "clips_looks_found_others": tally.clips,
    }


def _tables(tallies: Mapping[str, Tally], count: int) -> None:
    cells = [(distance, degrees) for distance in DISTANCES for degrees in TURNS]
    print(f"Recall within 300 ms, %, of {count} faces a cell\n")
    print("| detector | " + " | ".join(f"{d:g} m {t}°" for d, t in cells) + " | ms a look |")
    print("|---" * (len(cells) + 2) + "|")
    for name, tally in tallies.items():
        values = " | ".join(f"{100 * tally.recall(*cell):.0f}" for cell in cells)
        print(f"| {name} | {values} | {np.median(tally.milliseconds):.1f} |")
    kinds = list(next(iter(tallies.values())).false)
    print("\nFalse faces in so many looks at so many pictures (at ten looks a second: a minute)\n")
    print("| detector | " + " | ".join(kinds) + " |\n" + "|---" * (len(kinds) + 1) + "|")
    for name, tally in tallies.items():
        triples = [tally.false[kind] for kind in kinds]
        values = " | ".join(
            f"{bad} in {looks} at {shown} ({60 / EVERY_S * bad / looks:.0f})" for bad, looks, shown in triples
        )
        print(f"| {name} | {values} |")
    names = list(next(iter(tallies.values())).clips)
    print("\nClips with one face: found in % of looks, + other detections\n")
    print("| detector | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for name, tally in tallies.items():
        triples = [tally.clips[clip] for clip in names]
        values = " | ".join(f"{100 * hits / looks:.0f} + {others}" for looks, hits, others in triples)
        print(f"| {name} | {values} |")


if __name__ == "__main__":
    sys.exit(main())
