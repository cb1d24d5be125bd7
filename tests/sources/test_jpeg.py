"""JPEG pictures as cameras send them: whole ones are given as they are, damaged ones are not."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.sources import jpeg

HEIGHT, WIDTH = 240, 320
END = b"\xff\xd9"


def textured() -> NDArray[np.uint8]:
    noise = np.random.default_rng(1).normal(0, 60, (HEIGHT, WIDTH, 3))
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 2) * 4 + 120, 0, 255).astype(np.uint8)


def letterboxed() -> NDArray[np.uint8]:
    image = textured()
    image[:40] = image[-40:] = 0
    return image


def night() -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 9, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def plain(level: int) -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), level, np.uint8)


def above_grey() -> NDArray[np.uint8]:
    """The decoder's result for half a picture, encoded as a picture again."""
    image = textured()
    image[HEIGHT // 2 :] = 128
    return image


PICTURES = {
    "textured": textured(),
    "letterboxed": letterboxed(),
    "night": night(),
    "black": plain(0),
    "a grey wall": plain(128),
    "a white wall": plain(255),
    "above grey": above_grey(),
}


def encoded(image: NDArray[np.uint8], quality: int = 80, restarts: int = 0, progressive: int = 0) -> bytes:
    options = {
        cv2.IMWRITE_JPEG_QUALITY: quality,
        cv2.IMWRITE_JPEG_RST_INTERVAL: restarts,
        cv2.IMWRITE_JPEG_PROGRESSIVE: progressive,
    }
    data: bytes = cv2.imencode(".jpg", image, [value for option in options.items() for value in option])[1].tobytes()
    return data


def given(data: bytes, image: NDArray[np.uint8]) -> bool:
    """Whether the picture comes, and as the encoder meant it."""
    decoded = jpeg.decode(data)
    return decoded is not None and decoded.shape == image.shape and np.abs(decoded.astype(int) - image).mean() < 12


def scan(data: bytes) -> int:
    """Where the coded picture begins."""
    return data.index(b"\xff\xda") + 14


@pytest.mark.parametrize("name", PICTURES)
def test_whole_pictures_are_given(name: str) -> None:
    for quality in (30, 60, 95):
        for restarts in (0, 5, 40):
            assert given(encoded(PICTURES[name], quality, restarts), PICTURES[name])
    assert given(encoded(PICTURES[name], progressive=1), PICTURES[name])


def test_bytes_around_a_picture_are_ignored() -> None:
    image = textured()
    data = encoded(image)
    # A preview within the header, as telephones and some cameras put there.
    preview = encoded(np.asarray(cv2.resize(image, (64, 48)), np.uint8))
    assert given(data[:2] + b"\xff\xe1" + struct.pack(">H", len(preview) + 2) + preview + data[2:], image)
    # A buffer that is not full, and an end without its mark.
    assert given(data + bytes(4000), image)
    assert given(data + b"\xff\x00\xff\x12 left over", image)
    assert given(data.removesuffix(END), image)


@pytest.mark.parametrize("name", ["textured", "letterboxed", "night", "above grey"])
@pytest.mark.parametrize("restarts", [0, 5])
def test_pictures_that_are_cut_short_or_lack_a_part_are_not_given(name: str, restarts: int) -> None:
    data = encoded(PICTURES[name], restarts=restarts)
    start = scan(data)
    length = len(data) - start
    for tenth in range(9):
        at = start + length * tenth // 10
        assert jpeg.decode(data[:at]) is None
        assert jpeg.decode(data[:at] + END) is None
        assert jpeg.decode(data[:at] + data[at + length // 10 :]) is None


@pytest.mark.parametrize("restarts", [0, 5])
def test_pictures_with_strange_bytes_are_not_given(restarts: int) -> None:
    data = encoded(textured(), restarts=restarts)
    middle = (scan(data) + len(data)) // 2
    rng = np.random.default_rng(3)
    for _ in range(20):
        assert jpeg.decode(data[:middle] + rng.bytes(len(data) - middle - 2) + END) is None


def test_invalid_pictures_are_skipped() -> None:
    data = encoded(textured())
    rng = np.random.default_rng(4)
    header = data.index(b"\xff\xc0") + 5
    endless = data[:header] + b"\xff\xff\xff\xff" + data[header + 4 :]
    for bad in (b"", b"\xff\xd8", END, b"no picture", rng.bytes(5000), data[:300], data[scan(data) :], endless):
        assert jpeg.decode(bad) is None
