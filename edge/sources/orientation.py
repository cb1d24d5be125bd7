"""Rotates and mirrors the images of a camera that is mounted upside down, on its side or behind a mirror."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.observation import Frame
from edge.sources.base import Opened, Refusing, Source

Rotation: TypeAlias = Literal[0, 90, 180, 270]
"""Clockwise rotation in degrees."""
Flip: TypeAlias = Literal["none", "horizontal", "vertical"]
"""Mirroring: `horizontal` exchanges left and right, `vertical` exchanges top and bottom."""


@dataclass(frozen=True, slots=True)
class Orientation:
    """The transformation that makes an image upright: a rotation followed by mirroring."""

    rotate: Rotation = 0
    """Clockwise rotation in degrees."""
    flip: Flip = "none"
    """Mirroring of the rotated image: `horizontal` exchanges left and right, `vertical` exchanges top and bottom."""

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns the upright image, contiguous in memory.

        `image` is (height, width) or (height, width, channels) uint8. Rotations by 90° and 270° exchange height and
        width.
        """
        turned = np.rot90(image, -self.rotate // 90)
        if self.flip == "horizontal":
            turned = turned[:, ::-1]
        elif self.flip == "vertical":
            turned = turned[::-1]
        return np.ascontiguousarray(turned)


UPRIGHT: Final = Orientation()
"""The orientation that changes nothing."""


class OrientedCamera(Opened):
    """Wraps any camera and makes its images upright."""

    def __init__(self, camera: Source[Frame], orientation: Orientation) -> None:
        self.name = camera.name
        self._camera = camera
        self._orientation = orientation

    @property
    def refused(self) -> int:
        """Number of images that the camera skipped; 0 for a camera that does not count them."""
        return self._camera.refused if isinstance(self._camera, Refusing) else 0

    def open(self) -> None:
        """Opens the camera; raises the errors of the camera."""
        self._camera.open()

    def read(self) -> Frame:
        """Returns the next image, upright; raises the errors of the camera."""
        frame = self._camera.read()
        return replace(frame, image=self._orientation.apply(frame.image))

    def close(self) -> None:
        """Releases the camera."""
        self._camera.close()


def oriented(camera: Source[Frame], orientation: Orientation) -> Source[Frame]:
    """Returns the camera itself if nothing is to be rotated or mirrored, else a wrapped one."""
    return camera if orientation == UPRIGHT else OrientedCamera(camera, orientation)


def from_display_matrix(matrix: tuple[int, ...]) -> Orientation:
    """Returns the orientation of a video's display matrix, rounded to the nearest quarter turn.

    `matrix` holds the nine numbers of an MP4 track header or of FFmpeg's side data, row by row. A pixel at (x, y) is
    shown at (a·x + c·y, b·x + d·y) with a, b, c, d = `matrix[0]`, `[1]`, `[3]`, `[4]`.
    """
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    mirrored = a * d - b * c < 0
    if mirrored:
        # Mirroring is applied after the rotation, so it is undone first by negating the shown x.
        a, c = -a, -c
    # The (cosine, sine) of clockwise rotations by 0, 90, 180 and 270 degrees lie on the four axes.
    cosine, sine = a + d, b - c
    quarters: tuple[Rotation, ...] = (0, 90, 180, 270)
    turn = (0 if cosine >= 0 else 2) if abs(cosine) >= abs(sine) else (1 if sine > 0 else 3)
    return Orientation(quarters[turn], "horizontal" if mirrored else "none")
