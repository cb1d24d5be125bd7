"""`python -m models.face.protocols.risk_coverage --data DIR`: measures how well the quality predicts errors.

FER2013 images are placed in good and bad synthetic camera frames (`models.face.protocols.capture`). The face sense
follows each face, estimates its expression and the quality of the observation. Accuracy must rise as observations of
low quality are left out (risk–coverage curve: El-Yaniv & Wiener, JMLR 11, 2010). The inputs of the quality were chosen
on PublicTest and training images; PrivateTest is used only for the table. Takes three to five minutes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.detail import FaceDetail
from edge.errors import EdgeEmotionError, ModelError
from edge.face.blazeface import BlazeFace, Window
from edge.face.blazeface_file import find
from edge.face.boxes import Detection
from edge.face.crop import FRAMINGS
from edge.face.sense import FaceSense
from edge.inference.card import Card
from edge.inference.interpreter import open_model
from edge.observation import Frame
from models import curve
from models.corpora import add_data_option, require
from models.face import data
from models.face.protocols import capture

COVERAGES: Final = (1.0, 0.9, 0.8, 0.7, 0.5)
"""Shares of the observations that are kept, for the columns of the table."""
FACTORS: Final = ("size", "sharpness", "light", "detection", "frontal")
"""Names of the factors of the quality in `FaceDetail`."""
_KNOWN_SCORE: Final = 0.49
"""Detection score above which the device, by default, continues to follow a known face."""
_WINDOW: Final = 4.0
"""Side of the window in which the device looks for a known face, in widths of the face."""
_OFF: Final = 0.1
"""Standard deviation of the error of the expected position, in widths of the face, since the face has moved."""
_TURNS: Final = ((0, 10), (10, 20), (20, 30), (30, 90))
"""Ranges of yaw for the table by head pose, degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Observations of the faces that were found, in the order of the corpus."""

    right: NDArray[np.bool_]
    """(n,) whether the most probable label is the true one."""
    confidence: NDArray[np.float64]
    """(n,) probability of the most probable label."""
    quality: NDArray[np.float64]
    """(n,) quality of the observation, 0…1."""
    factors: Mapping[str, NDArray[np.float64]]
    """Factors of the quality by name, (n,) each, 0…1."""
    yaw: NDArray[np.float64]
    """(n,) yaw of the head, degrees."""
    shown: int
    """Number of frames, including those in which no face was found."""


class _Expected:
    """A detector that always reports the face it was given."""

    name = "blazeface"
    card: Card | None = None

    def __init__(self) -> None:
        self.face: tuple[Detection, ...] = ()

    def detect(self, image: NDArray[np.uint8], at: float | None = None) -> tuple[Detection, ...]:
        return self.face


def read(faces: data.Faces, model: str, seed: int, plain: bool = False) -> Readings:
    """Observes each face in a frame of its own.

    Args:
        faces: The faces.
        model: Name of the face model.
        seed: Seed of the frames.
        plain: Whether every frame looks as from a good camera, so that only the pose of the persons differs.

    Raises:
        ModelError: A model file is missing or does not run.
    """
    path = find()
    if path is None:
        raise ModelError("the BlazeFace file is not there: `python -m models.face.fetch` gets it")
    interpreter, card = open_model(path)
    blaze, expected = BlazeFace(interpreter, _KNOWN_SCORE, card), _Expected()
    sense = FaceSense(config.Face(model=model), detector=expected)
    rows: list[tuple[float, ...]] = []
    for index, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        rng = np.random.default_rng((seed, index))
        shot = capture.shoot(image, rng, hard=False if plain else None)
        frame = np.asarray(cv2.cvtColor(shot.image, cv2.COLOR_GRAY2BGR), np.uint8)
        expected.face = follow(blaze, frame, shot, rng)
        # 100 s between frames exceed every memory of the face sense, so that frames do not influence each other.
        for seen in sense.look(Frame(frame, 100.0 * index)):
            right = float(int(np.argmax(seen.posterior)) == label)
            assert isinstance(seen.detail, FaceDetail)
            assert isinstance(seen.detail.yaw, float)
            factors = [float(getattr(seen.detail, name)) for name in FACTORS]
            yaw = seen.detail.yaw
            rows.append((right, max(seen.posterior), seen.quality, yaw, *factors))
    table = np.array(rows).reshape(len(rows), 4 + len(FACTORS))
    by_name = {name: table[:, 4 + column] for column, name in enumerate(FACTORS)}
    return Readings(table[:, 0] > 0, table[:, 1], table[:, 2], by_name, table[:, 3], len(faces))


def follow(
    blaze: BlazeFace, frame: NDArray[np.uint8], shot: capture.Shot, rng: np.random.Generator
) -> tuple[Detection, ...]:
    """Detects a face as the device does with a known one: in a window around its last position.

    Args:
        blaze: The detector.
        frame: (height, width, 3) BGR image.
        shot: The frame's true face.
        rng: Source of randomness of the last position.

    Returns:
        At most one detection.
    """
    width = shot.side / FRAMINGS["blazeface"].scale
    side = max(8, round(_WINDOW * width))
    x, y = (centre + rng.normal(0, _OFF) * width for centre in (shot.x, shot.y))
    found = blaze.look(frame, Window(round(x - side / 2), round(y - side / 2), side))
    near = [f for f in found if np.hypot(f.box.centre[0] - shot.x, f.box.centre[1] - shot.y) < 0.4 * shot.side]
    return tuple(near[:1])


def accuracies(order: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) accuracies of the best 1, 2, … n rows by `order` (n,), highest first; tied rows count with their mean."""
    ranked = np.argsort(-order, kind="stable")
    values, hits = order[ranked], right[ranked].astype(np.float64)
    starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    group = np.cumsum(np.r_[True, values[1:] != values[:-1]]) - 1
    means = np.add.reduceat(hits, starts) / np.diff(np.r_[starts, len(hits)])
    return np.asarray(np.cumsum(means[group]) / np.arange(1, len(hits) + 1), np.float64)


def at(coverage: float, curve_of: NDArray[np.floating]) -> float:
    """Accuracy at this coverage, 0…1."""
    return float(curve_of[max(1, round(coverage * len(curve_of))) - 1])


def area(curve_of: NDArray[np.floating]) -> float:
    """Area under the risk–coverage curve: the mean error rate over all coverages; lower is better."""
    return float(1.0 - curve_of.mean())


def table(found: Readings) -> str:
    """Markdown table with one row for each order in which observations are kept."""
    perfect = area(accuracies(found.right.astype(np.float64), found.right))
    orders = {
        "in any order": np.zeros(len(found.right)),
        "by quality": found.quality,
        **{f"by {name} alone": values for name, values in found.factors.items()},
        "by confidence": found.confidence,
        "by confidence × quality": found.confidence * found.quality,
    }
    lines = [
        "| kept | " + " | ".join(f"{share:.0%}" for share in COVERAGES) + " | area |",
        "|---" * (len(COVERAGES) + 2) + "|",
    ]
    for name, order in orders.items():
        line = accuracies(order, found.right)
        cells = " | ".join(f"{100 * at(share, line):.1f}" for share in COVERAGES)
        lines.append(f"| {name} | {cells} | {area(line):.3f} |")
    note = f"accuracy in % of what is kept, and area under the risk–coverage curve (the least possible: {perfect:.3f})"
    return "\n".join([*lines, note])


def by_yaw(found: Readings) -> str:
    """Markdown table of accuracy and mean quality by yaw of the head."""
    lines = ["| yaw | faces | accuracy | mean quality |", "|---|---|---|---|"]
    for low, high in _TURNS:
        rows = (np.abs(found.yaw) >= low) & (np.abs(found.yaw) < high)
        if rows.any():
            accuracy, quality = 100 * found.right[rows].mean(), found.quality[rows].mean()
            lines.append(f"| {low}–{high}° | {rows.sum()} | {accuracy:.1f} % | {quality:.2f} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m models.face.protocols.risk_coverage", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--models", nargs="+", default=["small", "large"], metavar="MODEL")
    parser.add_argument("--split", choices=("public", "private"), default="private")
    parser.add_argument("--rows", type=int, help="only the first so many images (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, metavar="SVG", help="draw the curves there")
    given = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    faces = data.load(require(given.data, data.FILE), given.split)
    if given.rows:
        faces = data.head(faces, given.rows)
    lines: list[curve.Line] = []
    try:
        for model in given.models:
            found = read(faces, model, given.seed)
            print(f"{model}, FER2013 {given.split}: a face found in {len(found.right)} of {found.shown} frames\n")
            print(table(found) + "\n")
            print(f"the same faces in good frames, by head pose\n\n{by_yaw(read(faces, model, given.seed, True))}\n")
            lines.append(curve.Line(f"{model}, by quality", accuracies(found.quality, found.right)))
            lines.append(
                curve.Line(f"{model}, in any order", np.full(len(found.right), found.right.mean()), dashed=True)
            )
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    if given.picture:
        title = f"Accuracy of what is kept, FER2013 {given.split} in good and bad frames"
        given.picture.write_text(curve.picture(lines, title), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
