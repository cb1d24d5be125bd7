"""Photos with 68 landmarks: split by person, face patches and augmentation."""

from __future__ import annotations

import csv
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.crop import View
from edge.face.landmarks import PIXELS
from edge.face.shape import MIRRORED, POINTS, upright_box

FOLDER: Final = "face/landmarks68"
"""Path of the corpus below the data folder."""
MARGIN: Final = 1.4
"""Ratio of the patch's side to the longer side of the landmarks' bounding box."""
_TEST_SHARE: Final = 15
"""Per cent of the persons that belong to the test part."""
_VALIDATION_SHARE: Final = 8
"""Per cent of the persons that belong to the validation part."""


@dataclass(frozen=True)
class Photo:
    """One photo with its annotation."""

    name: str
    """File name."""
    person: str
    """Name of the shown person."""
    grey: NDArray[np.uint8]
    """(height, width) grey image."""
    points: NDArray[np.float32]
    """(68, 2) pixel coordinates x and y; 0 is the outer edge of the first pixel, not its centre."""

    @property
    def view(self) -> View:
        """Square view of the face with `MARGIN`, rotated so that the eyes are level."""
        x, y, side, roll = upright_box(self.points)
        return View(x, y, side * MARGIN, roll, PIXELS)


def part_of(person: str) -> str:
    """`training`, `validation` or `test`, chosen by a hash of the name so that no person is in two parts."""
    share = zlib.crc32(person.encode()) % 100
    if share < _TEST_SHARE:
        return "test"
    return "validation" if share < _TEST_SHARE + _VALIDATION_SHARE else "training"


def read_annotations(folder: Path, half: str) -> dict[str, NDArray[np.float64]]:
    """(68, 2) pixel coordinates of each photo in the corpus's own `train` or `test` half, in the order of its table."""
    with (folder / f"{half}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return {row[0]: np.array(row[1:], np.float64).reshape(POINTS, 2) for row in rows}


def load(folder: Path, part: str) -> list[Photo]:
    """The photos of one part; the corpus is split anew because its own two halves contain the same persons."""
    photos: list[Photo] = []
    for half in ("train", "test"):
        for name, points in read_annotations(folder, half).items():
            person = name.rpartition("_")[0]
            if part_of(person) != part:
                continue
            image = cv2.imread(str(folder / half / name), cv2.IMREAD_GRAYSCALE)
            assert image is not None, f"{half}/{name} is damaged"
            photos.append(Photo(name, person, np.asarray(image, np.uint8), points.astype(np.float32)))
    return photos


def patch(photo: Photo, view: View) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The patch (64, 64) uint8 that `view` cuts, and the points (68, 2) float32 in patch widths (0…1 inside it)."""
    matrix = view.to_frame
    inside = np.linalg.solve(matrix[:, :2], (photo.points - matrix[:, 2]).T).T
    return view.cut(photo.grey), (inside / view.pixels).astype(np.float32)


def jitter(
    photo: Photo, rng: np.random.Generator, strength: float = 0.5
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A patch with a random framing error, as the box of a detector would cause.

    Args:
        photo: The annotated photo.
        rng: Source of randomness.
        strength: Size of the error; 0.5 is about that of the detectors.

    Returns:
        The patch (64, 64) uint8 and the points (68, 2) float32 in patch widths.
    """
    true = photo.view
    right, down, size, turn = rng.normal(0.0, strength, 4).clip(-2.5 * strength, 2.5 * strength)
    moved = View(
        true.x + 0.07 * true.side * float(right),
        true.y + 0.07 * true.side * float(down),
        true.side * float(np.exp(0.13 * size)),
        true.roll + float(np.deg2rad(13.0 * turn)),
        true.pixels,
    )
    return patch(photo, moved)


def augment(photo: Photo, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """A patch with random framing, mirroring, lighting, blur, noise and occlusion, and its points."""
    image, points = jitter(photo, rng, 1.0)
    if rng.random() < 0.5:
        image, points = mirror(image, points)
    if rng.random() < 0.3:
        small = int(rng.integers(20, 48))
        blurred = cv2.resize(cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA), (PIXELS, PIXELS))
        image = np.asarray(blurred, np.uint8)
    gain, offset = float(np.exp(rng.uniform(-0.4, 0.4))), float(rng.uniform(-30, 30))
    image = np.asarray(cv2.convertScaleAbs(image, alpha=gain, beta=offset), np.uint8)
    if rng.random() < 0.3:
        noise = rng.normal(0.0, rng.uniform(2.0, 10.0), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        height, width = rng.integers(8, 28, 2)
        top, left = rng.integers(0, PIXELS - height), rng.integers(0, PIXELS - width)
        image[top : top + height, left : left + width] = rng.integers(0, 256)
    return np.asarray(image, np.uint8), points


def mirror(image: NDArray[np.uint8], points: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The mirrored patch and its points, renumbered so that left and right keep their meaning."""
    turned = points[list(MIRRORED)] * np.array([-1, 1]) + np.array([1, 0])
    return np.ascontiguousarray(image[:, ::-1]), turned.astype(np.float32)
