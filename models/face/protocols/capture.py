"""Synthetic camera frames of faces with random distance, rotation, lighting, blur, occlusion and compression.

The quality of an observation is fitted and measured on them. The proportions are our choice and do not come from a
survey of robots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.training import degrade

WIDTH: Final = 320
"""Width of a frame, pixels."""
HEIGHT: Final = 240
"""Height of a frame, pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame with one face."""

    image: NDArray[np.uint8]
    """(HEIGHT, WIDTH) grey image."""
    x: float
    """Horizontal centre of the FER2013 picture in the frame, pixels."""
    y: float
    """Vertical centre of the FER2013 picture in the frame, pixels."""
    side: float
    """Side of the FER2013 picture in the frame, pixels."""


def shoot(face: NDArray[np.uint8], rng: np.random.Generator, hard: bool | None = None) -> Shot:
    """Renders a frame that shows a face.

    Two thirds of the frames have one or more of: a face under 48 pixels, darkness, too much light, light from one side,
    blur, motion, noise, an object in front of the face, strong compression. The others look as from a good camera.

    Args:
        face: (48, 48) uint8 grey.
        rng: Source of randomness.
        hard: Whether the frame is degraded; None decides at random.
    """
    drawn = rng.random() < 2 / 3
    hard = drawn if hard is None else hard
    if hard and rng.random() < 0.2:
        kind = rng.choice(("occluded by a square", "eyes hidden", "mouth hidden"))
        face = degrade.KINDS[kind].change(face, rng.choice(degrade.KINDS[kind].strengths), rng)
    side = float(np.exp(rng.uniform(np.log(14), np.log(48)) if hard and rng.random() < 0.5 else rng.uniform(3.9, 4.8)))
    turn = np.deg2rad(rng.normal(0, 9))
    x, y = (rng.uniform(0.55 * side, length - 0.55 * side) for length in (WIDTH, HEIGHT))
    picture = _place(face, side, turn, x, y).astype(np.float32)
    if hard:
        picture = _light(picture, rng)
        picture = _smear(picture, side, rng)
    sigma = np.exp(rng.uniform(np.log(4), np.log(24))) if hard and rng.random() < 0.3 else 1.5
    picture += rng.normal(0, sigma, picture.shape)
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    quality = int(rng.uniform(8, 40)) if hard and rng.random() < 0.3 else 80
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return Shot(np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8), x, y, side)


def _place(face: NDArray[np.uint8], side: float, turn: float, x: float, y: float) -> NDArray[np.uint8]:
    """Draws the face into a frame and repeats its edges outwards; a face that gets smaller is averaged."""
    fine = 3 if side < face.shape[0] else 1
    scale = fine * side / face.shape[0]
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    half = (face.shape[0] - 1) / 2
    matrix = np.array([[cosine, -sine, 0.0], [sine, cosine, 0.0]])
    matrix[:, 2] = np.array([fine * x - 0.5, fine * y - 0.5]) - matrix[:, :2] @ np.array([half, half])
    wide = cv2.warpAffine(
        face, matrix, (fine * WIDTH, fine * HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(wide, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def _light(picture: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Random darkness, too much light, or light from one side; the caller clips to 0…255."""
    drawn = rng.random()
    if drawn < 0.25:
        picture = picture * np.float32(np.exp(rng.uniform(np.log(0.06), np.log(0.6))))
    elif drawn < 0.4:
        picture = picture * np.float32(rng.uniform(1.4, 3.0))
    if rng.random() < 0.2:
        ramp = np.linspace(1.0, rng.uniform(0.1, 0.5), WIDTH, dtype=np.float32)
        picture = picture * (ramp if rng.random() < 0.5 else ramp[::-1])
    return picture


def _smear(picture: NDArray[np.float32], side: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Random defocus or motion blur, with lengths proportional to the size of the face."""
    drawn = rng.random()
    if drawn < 0.25:
        sigma = rng.uniform(0.5, 2.8) * side / 48
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    if drawn < 0.4:
        length = max(1.0, rng.uniform(3, 14) * side / 48)
        grey = np.clip(picture, 0, 255).astype(np.uint8)
        return degrade.KINDS["smeared by motion"].change(grey, length, rng).astype(np.float32)
    return picture
