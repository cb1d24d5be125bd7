"""Patches around the eyes of the landmark photos, unchanged or with the errors of landmarks and cameras."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.face.eyes import HEIGHT, SPAN, WIDTH, eye_patch
from edge.face.shape import LEFT_EYE, RIGHT_EYE, aspect_ratio, interocular, upright_box
from models.landmarks import data


@dataclass(frozen=True)
class Eye:
    """One eye of one photo."""

    photo: data.Photo
    """The whole photo."""
    centre: tuple[float, float]
    """Centre of the eye in pixels of the photo, x and y."""
    span: float
    """Width of the patch, pixels."""
    roll: float
    """Roll angle of the face, radians."""
    mirrored: bool
    """Whether the patch is mirrored, as left eyes are."""
    ratio: float
    """Eye aspect ratio, computed from the annotated points."""


def eyes(photos: Sequence[data.Photo]) -> list[Eye]:
    """The right and then the left eye of each photo; left eyes are mirrored, as on the device."""
    found: list[Eye] = []
    for photo in photos:
        roll = upright_box(photo.points)[3]
        for part, mirrored in ((RIGHT_EYE, False), (LEFT_EYE, True)):
            points = photo.points[list(part)]
            x, y = points.mean(0)
            span = SPAN * interocular(photo.points)
            found.append(Eye(photo, (float(x), float(y)), span, roll, mirrored, aspect_ratio(points)))
    return found


def cut(eye: Eye, rng: np.random.Generator | None) -> NDArray[np.uint8]:
    """The patch of an eye, (24, 32) uint8; with `rng` it is shifted, relit, blurred and noisy at random."""
    if rng is None:
        return eye_patch(eye.photo.grey, eye.centre, eye.span, eye.roll, eye.mirrored)
    x, y, size, turn = rng.normal(0.0, 1.0, 4).clip(-2.5, 2.5)
    centre = (eye.centre[0] + 0.05 * eye.span * float(x), eye.centre[1] + 0.05 * eye.span * float(y))
    mirrored = eye.mirrored != (rng.random() < 0.3)
    span, roll = eye.span * float(np.exp(0.1 * size)), eye.roll + float(np.deg2rad(6.0 * turn))
    patch = eye_patch(eye.photo.grey, centre, span, roll, mirrored).astype(np.float32)
    if rng.random() < 0.3:
        patch = np.asarray(cv2.GaussianBlur(patch, (0, 0), float(rng.uniform(0.4, 1.2))))
    across, down = np.linspace(-1, 1, WIDTH)[None, :], np.linspace(-1, 1, HEIGHT)[:, None]
    ramp = across * rng.normal(0, 12) + down * rng.normal(0, 8)
    lit = patch * float(np.exp(rng.uniform(-0.4, 0.4))) + ramp + rng.normal(0.0, rng.uniform(0, 6), patch.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)
