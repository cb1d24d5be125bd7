"""`python -m models.landmarks.evaluate --data DIR --json`: landmark errors of the shipped file and the device's code.

Protocol: photos of 54 persons who do not occur in training; each patch is cut by the detector's box, as on the device.
The error is the mean distance of the 68 points divided by the distance between the outer corners of the eyes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.errors import EdgeEmotionError
from edge.face.detector import open_detector
from edge.face.landmarks import Landmarks, as_input
from edge.face.shape import (
    BROWS,
    INNER_LIPS,
    JAW,
    LEFT_EYE,
    NOSE,
    OUTER_LIPS,
    POINTS,
    RIGHT_EYE,
    eye_aspect_ratio,
    interocular,
)
from edge.inference.card import Card
from edge.inference.interpreter import Interpreter
from models.corpora import add_data_option, require
from models.landmarks import data

PARTS = {
    "eyes": (*RIGHT_EYE, *LEFT_EYE),
    "brows": tuple(BROWS),
    "nose": tuple(NOSE),
    "mouth": (*OUTER_LIPS, *INNER_LIPS),
    "jaw": tuple(JAW),
}
"""Point indices of each part of the face."""


@dataclass(frozen=True)
class Errors:
    """Landmark errors; distances are in per cent of the inter-ocular distance."""

    protocol: str
    """Name of the test set and procedure."""
    n: int
    """Number of photos."""
    mean: float
    """Normalised mean error (NME), per cent."""
    median: float
    """Median over the photos of their mean error, per cent."""
    failures: float
    """Share of photos, 0…1, with a mean error above 10 %."""
    parts: dict[str, float]
    """Mean error of each part of the face, per cent."""
    eye_aspect_ratio: float
    """Mean absolute error of the eye aspect ratio."""

    def note(self) -> str:
        """One line for the card."""
        parts = ", ".join(f"{name} {value} %" for name, value in self.parts.items())
        return (
            f"{self.protocol} (n={self.n}): NME {self.mean} %, median {self.median} %, above 10 %: "
            f"{self.failures:.1%}, eye aspect ratio ±{self.eye_aspect_ratio}; {parts}"
        )


def errors(protocol: str, truth: Sequence[NDArray[np.floating]], found: Sequence[NDArray[np.floating]]) -> Errors:
    """Compares estimated with annotated points.

    Args:
        protocol: Name of the test set and procedure.
        truth: Annotated points of each photo, (68, 2).
        found: Estimated points of each photo, (68, 2), in the same unit as `truth`.
    """
    distances = np.stack([np.linalg.norm(a - b, axis=1) / interocular(a) for a, b in zip(truth, found, strict=True)])
    photos = distances.mean(1)
    ratios = [abs(eye_aspect_ratio(a) - eye_aspect_ratio(b)) for a, b in zip(truth, found, strict=True)]
    return Errors(
        protocol,
        len(photos),
        round(100 * float(photos.mean()), 2),
        round(100 * float(np.median(photos)), 2),
        round(float((photos > 0.1).mean()), 4),
        {name: round(100 * float(distances[:, list(points)].mean()), 2) for name, points in PARTS.items()},
        round(float(np.mean(ratios)), 4),
    )


def fixed(photos: Sequence[data.Photo], seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One jittered patch per photo for validation and test; the same seed gives the same patches and points."""
    rng = np.random.default_rng(seed)
    images, points = zip(*(data.jitter(photo, rng) for photo in photos), strict=True)
    return np.stack(images), np.stack(points)


def on_jittered_patches(
    form: str,
    model: bytes,
    photos: Sequence[data.Photo],
    mean: NDArray[np.float32],
    scale: float,
    seed: int,
) -> Errors:
    """Errors of a `.tflite` file on one patch per photo, with framing errors about as large as those of the detectors.

    Args:
        form: `int8` or `float32`, for the name of the protocol.
        model: Bytes of the file.
        photos: Photos of persons who do not occur in training.
        mean: (68, 2) mean shape in patch widths, `front_end.mean` of the card.
        scale: Unit of the offsets in patch widths, `front_end.scale` of the card.
        seed: Seed of the framing errors.

    Raises:
        ModelError: The file does not run.
    """
    interpreter = Interpreter(model)
    images, points = fixed(photos, seed)
    found = [mean + interpreter.run(as_input(image))[0].reshape(POINTS, 2) * scale for image in images]
    return errors(f"{form}, unseen persons, jittered patch", list(points), found)


def through_detector(landmarks: Landmarks, photos: Sequence[data.Photo], detector: str) -> Errors:
    """Errors of the whole chain of the device: detection, crop by the detector's box, landmarks.

    Args:
        landmarks: The landmark model.
        photos: Photos to measure on; those without a detection are left out.
        detector: Name of the detector.
    """
    finder = open_detector(config.Face(detector=detector))  # type: ignore[arg-type]
    zoom, border = 2, 60
    truth, found = [], []
    for photo in photos:
        large = cv2.resize(photo.grey, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_LINEAR)
        framed = cv2.copyMakeBorder(large, border, border, border, border, cv2.BORDER_REPLICATE)
        points = photo.points * zoom + border
        centre = points.mean(0)
        faces = [
            face
            for face in finder.detect(np.asarray(cv2.cvtColor(framed, cv2.COLOR_GRAY2BGR), np.uint8))
            if np.linalg.norm(np.array(face.box.centre) - centre) < face.box.width / 2
        ]
        if faces:
            truth.append(points)
            found.append(landmarks.find(np.asarray(framed, np.uint8), faces[0]))
    return errors(f"unseen persons, patch by {detector}'s box ({len(photos) - len(found)} not found)", truth, found)


def note(card: Card) -> str:
    """Size and latency of the model that the card describes, in one line."""
    return f"{card.name}: {card.bytes:,} bytes, {card.latency_ms:.2f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.landmarks.evaluate", description=__doc__)
    add_data_option(parser)
    parser.add_argument(
        "--model", type=Path, default=shipped.model("landmarks", "landmarks68"), help="a .tflite with its card"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a protocol")
    arguments = parser.parse_args()
    try:
        photos = data.load(require(arguments.data, data.FOLDER), "test")
        for detector in ("blazeface", "haar"):
            landmarks = Landmarks(arguments.model, detector)
            found = through_detector(landmarks, photos, detector)
            if arguments.json:
                print(json.dumps({"model": landmarks.card.name, **asdict(found)}))
            else:
                parts = ", ".join(f"{name} {value} %" for name, value in found.parts.items())
                print(
                    f"{note(landmarks.card)}\n  {found.protocol}, n={found.n}: NME {found.mean} %, "
                    f"median {found.median} %,"
                )
                print(f"  above 10 %: {found.failures:.1%}; {parts}; eye aspect ratio ±{found.eye_aspect_ratio}")
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
