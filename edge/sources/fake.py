"""Sources without hardware, which are shipped for tests and demonstrations."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceEnded, SourceError
from edge.observation import AudioChunk, Frame
from edge.sources.base import Opened


class FakeCamera(Opened):
    """Delivers given images at a fixed rate, and then ends or fails."""

    def __init__(
        self,
        images: Iterable[NDArray[np.uint8]],
        fps: float = 15.0,
        *,
        limit: int | None = None,
        fails: bool = False,
    ) -> None:
        """Prepares the camera.

        Args:
            images: The images, each (height, width, 3) uint8 BGR, such as `moving_pattern()`; a list starts again at
                each `open`.
            fps: Frames per second.
            limit: Maximum number of images; None for all.
            fails: Whether `read` raises `SourceError` after the last image, like a lost camera, instead of
                `SourceEnded`.
        """
        self.name = "fake camera"
        self._images = images
        self._period = 1.0 / fps
        self._limit = limit
        self._fails = fails
        self._remaining: Iterator[NDArray[np.uint8]] = iter(())
        self._taken = 0
        self._stop = threading.Event()

    def open(self) -> None:
        self._remaining, self._taken = iter(self._images), 0
        self._stop.clear()

    def read(self) -> Frame:
        if self._stop.wait(self._period):
            raise SourceEnded(f"{self.name} was closed")
        image = None if self._taken == self._limit else next(self._remaining, None)
        if image is None:
            raise SourceError(f"{self.name} was unplugged") if self._fails else SourceEnded("no more pictures")
        self._taken += 1
        return Frame(image, time.monotonic(), self._taken - 1)

    def close(self) -> None:
        self._stop.set()


class FakeMicrophone(Opened):
    """Delivers a recording in real time, and then ends or fails."""

    def __init__(
        self, samples: NDArray[np.float32], rate: int = 16_000, *, chunk: int = 512, fails: bool = False
    ) -> None:
        """Prepares the microphone.

        Args:
            samples: The recording, (n,) float32 in −1…1.
            rate: Sampling rate in hertz.
            chunk: Samples per chunk.
            fails: Whether `read` raises `SourceError` after the last chunk, like a lost microphone, instead of
                `SourceEnded`.
        """
        self.name = "fake microphone"
        self._samples, self._rate, self._chunk, self._fails = samples, rate, chunk, fails
        self._position = 0
        self._started = 0.0
        self._stop = threading.Event()

    def open(self) -> None:
        self._position, self._started = 0, time.monotonic()
        self._stop.clear()

    def read(self) -> AudioChunk:
        if self._position >= len(self._samples):
            raise SourceError(f"{self.name} was unplugged") if self._fails else SourceEnded("no more sound")
        samples = self._samples[self._position : self._position + self._chunk]
        at = self._started + self._position / self._rate
        self._position += len(samples)
        if self._stop.wait(max(0.0, at + len(samples) / self._rate - time.monotonic())):
            raise SourceEnded(f"{self.name} was closed")
        return AudioChunk(samples, self._rate, at)

    def close(self) -> None:
        self._stop.set()


def moving_pattern(width: int = 320, height: int = 240) -> Iterator[NDArray[np.uint8]]:
    """Yields images without end: a bright square moves over a gradient, so that each differs from the previous one."""
    gradient = np.linspace(0, 160, width, dtype=np.uint8)
    background = np.repeat(np.tile(gradient, (height, 1))[:, :, None], 3, axis=2)
    side = max(2, min(width, height) // 8)
    step = 0
    while True:
        image = background.copy()
        top, left = (3 * step) % (height - side), (5 * step) % (width - side)
        image[top : top + side, left : left + side] = (40, 220, 255)
        yield image
        step += 1
