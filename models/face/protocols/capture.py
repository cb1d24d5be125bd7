"""Faces as a camera gives them: far or near, turned, ill lit, smeared, hidden in part, compressed; mixed by chance.

What the quality of an observation is fitted on and measured with. The mixture is our choice, no survey of robots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from models.face.training import degrade

WIDTH: Final = 320
HEIGHT: Final = 240


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame with one face."""

    image: NDArray[np.uint8]
    """(HEIGHT, WIDTH) grey."""
    x: float
    y: float
    """Centre of the FER2013 picture in it, pixels."""
    side: float
    """Its side, pixels."""


def shoot(face: NDArray[np.uint8], rng: np.random.Generator, hard: bool | None = None) -> Shot:
    """A frame that shows `face` (48, 48) uint8 grey.

    Two thirds of the frames have one or more of: a face under 48 pixels, darkness, too much light, light from one side,
    blur, motion, noise, something before the face, strong compression. The rest is as a good camera would see it.
    `hard`: whether this frame is one of the two thirds; by chance where None.
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
    """The face in the frame, its edges repeated outwards, averaged where it gets smaller."""
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
    """Dark, too bright, or from one side; what leaves 0…255 is lost later."""
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
    """Out of focus, or moving; lengths go with the size of the face."""
    drawn = rng.random()
    if drawn < 0.25:
        sigma = rng.uniform(0.5, 2.8) * side / 48
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)
    if drawn < 0.4:
        length = max(1.0, rng.uniform(3, 14) * side / 48)
        grey = np.clip(picture, 0, 255).astype(np.uint8)
        return degrade.KINDS["smeared by motion"].change(grey, length, rng).astype(np.float32)
    return picture
