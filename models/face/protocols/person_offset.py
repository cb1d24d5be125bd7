"""`python -m models.face.protocols.person_offset --data DIR`: how much of a face's logits is the person.

The photos of `landmarks68` are frames of three or four videos of each of 347 persons. They carry no label of emotion,
so accuracy cannot be measured on them. What can be measured: which part of the variance of the logits stays with the
person from one video to the next, and how much of the variance is left after a person's mean logits in the other videos
are subtracted, shrunk towards the mean of all persons. An expression that a person wears in all videos counts as the
person.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.face.expression import Expression
from edge.face.landmarks import expression_view
from models.corpora import add_data_option, require
from models.face.protocols.actors import identity
from models.landmarks import data

Videos = Mapping[str, NDArray[np.float64]]
"""(n, 7) centred logits of the frames of each video of one person, by the name of the video."""


@dataclass(frozen=True, slots=True)
class Shares:
    """Parts of the variance of the logits; they sum to 1 but for a part below zero, which counts as zero."""

    person: float
    """Stays with the person from video to video."""
    video: float
    """Differs between videos of a person: expression, light, pose, age."""
    frame: float
    """Differs between frames of a video."""


def components(persons: Mapping[str, Videos]) -> Shares:
    """Variance components of nested random effects, summed over the labels.

    Frames stand in videos, videos in persons; estimated by the unbiased covariances of pairs: two frames of the same
    video share person and video, two frames of different videos of a person share the person.

    Args:
        persons: Logits by person and video; at least one person has two videos and one video two frames.
    """
    every = np.concatenate([frames for videos in persons.values() for frames in videos.values()])
    total = float(every.var(0).sum())
    within: list[float] = []
    across: list[float] = []
    for videos in persons.values():
        for frames in videos.values():
            if len(frames) > 1:
                products = frames @ frames.T
                count = len(frames)
                within.append(float((products.sum() - np.trace(products)) / (count * (count - 1))))
        means = [frames.mean(0) for frames in videos.values()]
        if len(means) > 1:
            products = np.stack(means) @ np.stack(means).T
            across.append(float((products.sum() - np.trace(products)) / (len(means) * (len(means) - 1))))
    person = max(0.0, float(np.mean(across)) / total)
    video = max(0.0, float(np.mean(within)) / total - person)
    return Shares(person, video, max(0.0, 1.0 - person - video))


def left_over(persons: Mapping[str, Videos], shrink: float) -> float:
    """Share of the variance that is left when each video is corrected by the person's other videos.

    Args:
        persons: Logits by person and video.
        shrink: Number of frames that the mean of all persons counts for. The correction is the sum over the frames of
            the other videos divided by their number plus this number; infinity means no correction.
    """
    before = after = 0.0
    for videos in persons.values():
        for name, frames in videos.items():
            other = np.concatenate([rows for video, rows in videos.items() if video != name] or [frames[:0]])
            correction = other.sum(0) / (len(other) + shrink)
            before += float((frames**2).sum())
            after += float(((frames - correction) ** 2).sum())
    return after / before


def read(expression: Expression, folder: Path, halves: Sequence[str] = ("train", "test")) -> dict[str, Videos]:
    """Logits, centred over all frames, by person and video.

    Args:
        expression: The model.
        folder: Folder of the corpus.
        halves: Its own halves, which contain the same persons.
    """
    found: dict[str, dict[str, list[NDArray[np.float64]]]] = defaultdict(lambda: defaultdict(list))
    for half in halves:
        for name, points in data.read_annotations(folder, half).items():
            image = cv2.imread(str(folder / half / name), cv2.IMREAD_GRAYSCALE)
            if image is None:
                raise FileNotFoundError(folder / half / name)
            video = Path(name).stem[:-1]
            given = expression.logits(expression_view(points).cut(np.asarray(image, np.uint8)))
            logits = given.astype(np.float64) / expression.card.temperature
            found[identity(video)][video].append(logits - logits.mean())
    mean = np.mean([row for videos in found.values() for rows in videos.values() for row in rows], axis=0)
    return {
        person: {video: np.stack(rows) - mean for video, rows in videos.items()} for person, videos in found.items()
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.face.protocols.person_offset", description=__doc__.split("\n")[0]
    )
    add_data_option(parser)
    parser.add_argument(
        "--model", type=Path, default=shipped.model("face", "face_small"), help="a .tflite with its card"
    )
    arguments = parser.parse_args()
    folder = require(arguments.data, data.FOLDER)
    try:
        expression = Expression(arguments.model)
        persons = read(expression, folder)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    shares = components(persons)
    by_label = {
        label: components({p: {v: rows[:, [k]] for v, rows in videos.items()} for p, videos in persons.items()}).person
        for k, label in enumerate(LABELS)
    }
    row = {
        "model": expression.card.name,
        "persons": len(persons),
        "frames": sum(len(rows) for videos in persons.values() for rows in videos.values()),
        "person": round(shares.person, 3),
        "video": round(shares.video, 3),
        "frame": round(shares.frame, 3),
        "person_by_label": {label: round(share, 3) for label, share in by_label.items()},
        "left_over": {f"shrunk by {n}": round(left_over(persons, n), 3) for n in (0, 4, 8, 16, 32)},
    }
    print(json.dumps(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
