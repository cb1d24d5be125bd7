"""Turns and mirrors the pictures of a camera that is mounted upside down, on its side or behind a mirror."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from edge.observation import Frame
from edge.sources.base import Opened, Refusing, Source

Rotation: TypeAlias = Literal[0, 90, 180, 270]
Flip: TypeAlias = Literal["none", "horizontal", "vertical"]


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to bring a picture upright: it is turned first, and then mirrored."""

    rotate: Rotation = 0
    """Degrees clockwise."""
    flip: Flip = "none"
    """`horizontal` exchanges left and right, `vertical` top and bottom, of the turned picture."""

    def apply(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The upright picture, contiguous in memory.

        Args:
            image: (height, width) or (height, width, channels); 90° and 270° exchange height and width.
        """
        turned = np.rot90(image, -self.rotate // 90)
        if self.flip == "horizontal":
            turned = turned[:, ::-1]
        elif self.flip == "vertical":
            turned = turned[::-1]
        return np.ascontiguousarray(turned)


UPRIGHT: Final = Orientation()


class OrientedCamera(Opened):
    """A camera whose pictures are brought upright, whatever its backend; all else is as that camera does it."""

    def __init__(self, camera: Source[Frame], orientation: Orientation) -> None:
        self.name = camera.name
        self._camera = camera
        self._orientation = orientation

    @property
    def refused(self) -> int:
        """Pictures that the camera left out; 0 for one that does not count them."""
        return self._camera.refused if isinstance(self._camera, Refusing) else 0

    def open(self) -> None:
        """Raises what the camera raises."""
        self._camera.open()

    def read(self) -> Frame:
        """The next picture, upright. Raises what the camera raises."""
        frame = self._camera.read()
        return replace(frame, image=self._orientation.apply(frame.image))

    def close(self) -> None:
        """Frees the camera."""
        self._camera.close()


def oriented(camera: Source[Frame], orientation: Orientation) -> Source[Frame]:
    """The camera itself where nothing is to be turned or mirrored, else one that does it."""
    return camera if orientation == UPRIGHT else OrientedCamera(camera, orientation)


def from_display_matrix(matrix: tuple[int, ...]) -> Orientation:
    """The orientation that a film's display matrix asks for, to the nearest quarter turn.

    Args:
        matrix: the nine numbers of an MP4 track header or of FFmpeg's side data, row by row; a pixel at (x, y) is
            shown at (a·x + c·y, b·x + d·y) with a, b, c, d = `matrix[0]`, `[1]`, `[3]`, `[4]`.
    """
    a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
    mirrored = a * d - b * c < 0
    if mirrored:
        # Mirrored after turning: undo that first, which exchanges the sign of the shown x.
        a, c = -a, -c
    # Clockwise turns by 0, 90, 180 and 270 degrees have (cosine, sine) on the four axes.
    cosine, sine = a + d, b - c
    quarters: tuple[Rotation, ...] = (0, 90, 180, 270)
    turn = (0 if cosine >= 0 else 2) if abs(cosine) >= abs(sine) else (1 if sine > 0 else 3)
    return Orientation(quarters[turn], "horizontal" if mirrored else "none")
