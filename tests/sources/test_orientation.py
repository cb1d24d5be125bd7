"""Pictures that are turned and mirrored: eight ways, from every kind of camera, and as films ask for it."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray
from support.media_files import picture, write

from edge import config
from edge.errors import SourceError
from edge.sources.camera import open_camera
from edge.sources.fake import FakeCamera
from edge.sources.fake_hardware import fake_picamera2
from edge.sources.media import MediaFile
from edge.sources.orientation import Flip, Orientation, Rotation, from_display_matrix, oriented

# Each pixel of another value, so that no two orientations look alike.
LETTER = np.arange(6, dtype=np.uint8).reshape(2, 3)

EXPECTED = {
    (0, "none"): [[0, 1, 2], [3, 4, 5]],
    (90, "none"): [[3, 0], [4, 1], [5, 2]],
    (180, "none"): [[5, 4, 3], [2, 1, 0]],
    (270, "none"): [[2, 5], [1, 4], [0, 3]],
    (0, "horizontal"): [[2, 1, 0], [5, 4, 3]],
    (0, "vertical"): [[3, 4, 5], [0, 1, 2]],
    (90, "horizontal"): [[0, 3], [1, 4], [2, 5]],
    (90, "vertical"): [[5, 2], [4, 1], [3, 0]],
    (180, "horizontal"): [[3, 4, 5], [0, 1, 2]],
    (180, "vertical"): [[2, 1, 0], [5, 4, 3]],
    (270, "horizontal"): [[5, 2], [4, 1], [3, 0]],
    (270, "vertical"): [[0, 3], [1, 4], [2, 5]],
}


def colour(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[:, :, None], 3, axis=2)


@pytest.mark.parametrize(("rotate", "flip"), list(itertools.product(get_args(Rotation), get_args(Flip))))
def test_pictures_are_turned_clockwise_first_and_then_mirrored(rotate: Rotation, flip: Flip) -> None:
    orientation = Orientation(rotate, flip)
    for image in (LETTER, colour(LETTER)):
        shown = orientation.apply(image)
        assert shown.flags.c_contiguous
        assert shown.dtype == np.uint8
        grey = shown if shown.ndim == 2 else shown[:, :, 0]
        assert grey.tolist() == EXPECTED[rotate, flip]


def test_any_camera_is_turned_and_stays_what_it_is() -> None:
    camera = FakeCamera([colour(LETTER)], fps=1000, fails=True)
    assert oriented(camera, Orientation()) is camera
    turned = oriented(camera, Orientation(90, "horizontal"))
    assert turned.name == camera.name
    for _ in range(2):
        turned.open()
        frame = turned.read()
        assert frame.image[:, :, 0].tolist() == EXPECTED[90, "horizontal"]
        assert (frame.sequence, frame.captured_at > 0) == (0, True)
        with pytest.raises(SourceError, match="was unplugged"):
            turned.read()
        turned.close()


@pytest.mark.parametrize("suffix", ["avi", "jpg"])
def test_a_camera_over_opencv_is_turned_as_configured(tmp_path: Path, suffix: str) -> None:
    import cv2

    upright = colour(np.kron(np.array([[20, 90], [160, 230]], np.uint8), np.ones((24, 32), np.uint8)))  # type: ignore[arg-type]
    path = tmp_path / f"film.{suffix}"
    if suffix == "avi":
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, (64, 48))
        for _ in range(4):
            writer.write(upright)
        writer.release()
    else:
        cv2.imwrite(str(path), upright)
    quarters = {}
    for rotate in get_args(Rotation):
        settings = config.Camera(source=str(path), backend="opencv", width=64, height=48, rotate=rotate)
        camera = open_camera(settings)
        camera.open()
        image = camera.read().image
        camera.close()
        rows, columns = (np.array([1, 3]) * side // 4 for side in image.shape[:2])
        quarters[rotate] = np.round(image[np.ix_(rows, columns)][:, :, 0] / 70).astype(int).tolist()
    assert quarters == {
        0: [[0, 1], [2, 3]],
        90: [[2, 0], [3, 1]],
        180: [[3, 2], [1, 0]],
        270: [[1, 3], [0, 2]],
    }


def test_a_pi_camera_is_turned_as_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "picamera2", fake_picamera2())
    camera = open_camera(config.Camera(width=32, height=24, rotate=90))
    assert camera.name == "Pi camera"
    camera.open()
    # The stand-in's pictures carry their number in the upper left corner.
    image = camera.read().image
    camera.close()
    assert image.shape == (32, 24, 3)
    assert image[0, -1].tolist() == [1, 0, 0]


ONE = 1 << 16
MATRICES = {
    (ONE, 0, 0, ONE): Orientation(),
    (0, ONE, -ONE, 0): Orientation(90),
    (-ONE, 0, 0, -ONE): Orientation(180),
    (0, -ONE, ONE, 0): Orientation(270),
    (-ONE, 0, 0, ONE): Orientation(0, "horizontal"),
    (ONE, 0, 0, -ONE): Orientation(180, "horizontal"),
    (0, ONE, ONE, 0): Orientation(90, "horizontal"),
    (0, -ONE, -ONE, 0): Orientation(270, "horizontal"),
}


@pytest.mark.parametrize(("matrix", "orientation"), MATRICES.items())
def test_a_display_matrix_maps_each_corner(matrix: tuple[int, int, int, int], orientation: Orientation) -> None:
    a, b, c, d = matrix
    found = from_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30))
    # Reckoned from the definition of the matrix, pixel by pixel, apart from the names of the orientations.
    points = {(x, y): (a * x + c * y, b * x + d * y) for x in range(3) for y in range(2)}
    left, top = (min(at[axis] for at in points.values()) for axis in (0, 1))
    shown = np.zeros((3, 2) if b else (2, 3), np.uint8)
    for (x, y), at in points.items():
        shown[(at[1] - top) // ONE, (at[0] - left) // ONE] = LETTER[y, x]
    assert found.apply(LETTER).tolist() == orientation.apply(LETTER).tolist() == shown.tolist()


@pytest.mark.parametrize("turn", [-20, 20])
def test_a_matrix_between_two_quarters_is_taken_as_the_nearer(turn: int) -> None:
    cosine, sine = round(ONE * np.cos(np.radians(turn))), round(ONE * np.sin(np.radians(turn)))
    assert from_display_matrix((cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)) == Orientation()
    assert from_display_matrix((-sine, cosine, 0, -cosine, -sine, 0, 0, 0, 1 << 30)) == Orientation(90)


@pytest.mark.parametrize(("matrix", "orientation"), MATRICES.items())
def test_films_are_rotated_by_their_display_matrix(
    tmp_path: Path, matrix: tuple[int, int, int, int], orientation: Orientation
) -> None:
    path = write(tmp_path / "film.mp4", video_s=0.2)
    data = path.read_bytes()
    a, b, c, d = matrix
    plain, turned = (
        struct.pack(">9i", *rows) for rows in ((ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30), (a, b, 0, c, d, 0, 0, 0, 1 << 30))
    )
    at = data.index(plain, data.index(b"tkhd"))
    path.write_bytes(data[:at] + turned + data[at + len(plain) :])
    with MediaFile(path) as media:
        image = media.read().image  # type: ignore[union-attr]
    wanted = orientation.apply(picture(0))
    assert image.shape == wanted.shape
    # But for the coding it is the same picture: a blue quarter on black.
    assert np.abs(image.astype(int) - wanted).mean() < 6
