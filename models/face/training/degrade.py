"""Image degradations of a face crop by camera, light, motion and occlusion, each in up to three strengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Change: TypeAlias = Callable[[NDArray[np.uint8], float, np.random.Generator], NDArray[np.uint8]]
"""Takes a (48, 48) uint8 grey image, a strength and a source of randomness; returns the (48, 48) uint8 result."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of degradation."""

    change: Change
    """The function that degrades an image."""
    strengths: tuple[float, ...]
    """Strengths used in the robustness table, the mildest first."""
    unit: str
    """Format of a strength in the robustness table; `{}` is replaced by the number."""


def _light(image: NDArray[np.uint8], gain: float, _: np.random.Generator) -> NDArray[np.uint8]:
    """Changes the exposure and clips to 0…255, as a camera does."""
    return np.asarray(cv2.convertScaleAbs(image, alpha=gain), np.uint8)


def _blur(image: NDArray[np.uint8], sigma: float, _: np.random.Generator) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _motion(image: NDArray[np.uint8], length: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Motion blur of `length` pixels along a straight line in a random direction."""
    side = int(np.ceil(length)) | 1
    kernel = np.zeros((side, side), np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    for x, y in np.linspace(-reach, reach, 8 * side) + side // 2:
        kernel[round(y), round(x)] += 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE), np.uint8)


def _noise(image: NDArray[np.uint8], sigma: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    return np.clip(np.rint(image + rng.normal(0, sigma, image.shape)), 0, 255).astype(np.uint8)


def _move(image: NDArray[np.uint8], matrix: NDArray[Any]) -> NDArray[np.uint8]:
    size = image.shape[1::-1]
    return np.asarray(
        cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _turn(image: NDArray[np.uint8], degrees: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    middle = (image.shape[0] - 1) / 2
    return _move(image, cv2.getRotationMatrix2D((middle, middle), rng.choice((-1, 1)) * degrees, 1.0))


def _shift(image: NDArray[np.uint8], pixels: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    angle = rng.uniform(0, 2 * np.pi)
    return _move(image, np.array([[1, 0, pixels * np.cos(angle)], [0, 1, pixels * np.sin(angle)]]))


def _zoom(image: NDArray[np.uint8], scale: float, _: np.random.Generator) -> NDArray[np.uint8]:
    middle = (image.shape[0] - 1) / 2
    return _move(image, cv2.getRotationMatrix2D((middle, middle), 0.0, scale))


def _patch(image: NDArray[np.uint8], side: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Covers a square at a random place with one grey level, as a cup before the face would."""
    hidden, pixels = image.copy(), round(side)
    top, left = rng.integers(0, image.shape[0] - pixels + 1, 2)
    hidden[top : top + pixels, left : left + pixels] = rng.integers(0, 256)
    return hidden


def _eyes(image: NDArray[np.uint8], share: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Covers the eyes as sunglasses would: a share of the height, beginning at 20 % from the top."""
    hidden, side = image.copy(), image.shape[0]
    hidden[round(side * 0.2) : round(side * (0.2 + share)), 6:-6] = rng.integers(0, 40)
    return hidden


def _mouth(image: NDArray[np.uint8], share: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Covers the lowest share of the height as a mask would."""
    hidden, side = image.copy(), image.shape[0]
    hidden[round(side * (1 - share)) :, 6:-6] = rng.integers(0, 256)
    return hidden


def _jpeg(image: NDArray[np.uint8], quality: float, _: np.random.Generator) -> NDArray[np.uint8]:
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def _small(image: NDArray[np.uint8], side: float, _: np.random.Generator) -> NDArray[np.uint8]:
    """Shrinks the face to `side` pixels, as it would be in the frame, and enlarges it again as the crop does."""
    pixels = max(2, round(side))
    down = cv2.resize(image, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(down, image.shape[1::-1], interpolation=cv2.INTER_LINEAR), np.uint8)


KINDS: Final[Mapping[str, Kind]] = {
    "darkened": Kind(_light, (0.5, 0.25, 0.1), "× {}"),
    "brightened": Kind(_light, (1.4, 2.0, 3.0), "× {}"),
    "blurred": Kind(_blur, (0.8, 1.5, 2.5), "σ {} px"),
    "smeared by motion": Kind(_motion, (4, 8, 12), "{} px"),
    "noised": Kind(_noise, (8, 20, 40), "σ {} of 255"),
    "rotated": Kind(_turn, (10, 20, 30), "{}°"),
    "shifted": Kind(_shift, (3, 6, 9), "{} px of 48"),
    "framed too wide or close": Kind(_zoom, (0.8, 1.25), "× {}"),
    "occluded by a square": Kind(_patch, (12, 18, 24), "{} px of 48"),
    "eyes hidden": Kind(_eyes, (0.26,), "{} of the height"),
    "mouth hidden": Kind(_mouth, (0.3, 0.42), "{} of the height"),
    "JPEG-compressed": Kind(_jpeg, (50, 20, 8), "quality {}"),
    "down-sampled": Kind(_small, (32, 20, 12), "to {} px"),
}
"""All degradations by name."""

_TRAINED: Final = (
    ("darkened", 0.15, 0.7),
    ("brightened", 1.2, 2.2),
    ("blurred", 0.5, 1.8),
    ("smeared by motion", 2, 7),
    ("noised", 4, 24),
    ("down-sampled", 16, 40),
    ("JPEG-compressed", 12, 60),
)
"""Degradations used in training with their lowest and highest strength; the strongest are kept for measuring only."""


def worsen(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Degrades a (48, 48) uint8 image in one way of `_TRAINED` with a random, log-uniform strength."""
    name, low, high = _TRAINED[rng.integers(len(_TRAINED))]
    return KINDS[name].change(image, float(np.exp(rng.uniform(np.log(low), np.log(high)))), rng)


def apply(name: str, strength: float, images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """Degrades all images in the same way.

    Args:
        name: One of `KINDS`.
        strength: Strength in the unit of that kind.
        images: (n, 48, 48) uint8.
        seed: The same seed gives the same result.

    Returns:
        (n, 48, 48) uint8.
    """
    rng = np.random.default_rng(seed)
    return np.stack([KINDS[name].change(image, strength, rng) for image in images])
