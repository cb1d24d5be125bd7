"""Stand-ins for hardware, which ship: tests and demonstrations use them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import SourceEnded, SourceError
from edge.observation import AudioChunk, Frame
from edge.sources.base import Opened


class FakeCamera(Opened):
    """Gives pictures at a rate, and fails or ends after the last."""

    def __init__(self, images: Iterable[NDArray[np.uint8]], fps: float = 15.0, *, fails: bool = False) -> None:
        """`fails`: after the last picture the camera is gone rather than at its end."""
        self.name = "fake camera"
        self._images = list(images)
        self._period = 1.0 / fps
        self._fails = fails
        self._next = 0
        self._closed = True

    def open(self) -> None:
        self._next, self._closed = 0, False

    def read(self) -> Frame:
        time.sleep(self._period)
        if self._closed:
            raise SourceEnded("the fake camera was closed")
        if self._next == len(self._images):
            raise SourceError("the fake camera was unplugged") if self._fails else SourceEnded("no more pictures")
        self._next += 1
        return Frame(self._images[self._next - 1], time.monotonic(), self._next - 1)

    def close(self) -> None:
        self._closed = True


class FakeMicrophone(Opened):
    """Gives a recording in real time, and fails or ends after it."""

    def __init__(
        self, samples: NDArray[np.float32], rate: int = 16_000, *, chunk: int = 512, fails: bool = False
    ) -> None:
        self.name = "fake microphone"
        self._samples, self._rate, self._chunk, self._fails = samples, rate, chunk, fails
        self._position = 0
        self._started = 0.0
        self._closed = True

    def open(self) -> None:
        self._position, self._started, self._closed = 0, time.monotonic(), False

    def read(self) -> AudioChunk:
        if self._position >= len(self._samples):
            raise SourceError("the fake microphone was unplugged") if self._fails else SourceEnded("no more sound")
        samples = self._samples[self._position : self._position + self._chunk]
        at = self._started + self._position / self._rate
        self._position += len(samples)
        time.sleep(max(0.0, at + len(samples) / self._rate - time.monotonic()))
        if self._closed:
            raise SourceEnded("the fake microphone was closed")
        return AudioChunk(samples, self._rate, at)

    def close(self) -> None:
        self._closed = True


class _FakeRequest:
    def __init__(self, image: NDArray[np.uint8], stamp: int) -> None:
        self._image, self._stamp = image, stamp

    def make_array(self, _stream: str) -> NDArray[np.uint8]:
        return self._image

    def get_metadata(self) -> Mapping[str, int]:
        return {"SensorTimestamp": self._stamp}

    def release(self) -> None:
        self._image = np.empty(0, np.uint8)


class FakePicamera2:
    """As much of Picamera2's API as `edge.sources.picamera` uses; a grey picture that brightens, then an error."""

    frames = 5

    def __init__(self) -> None:
        self.configuration: Mapping[str, Any] = {}
        self.started = self.closed = False
        self._taken = 0

    @staticmethod
    def global_camera_info() -> list[dict[str, Any]]:
        return [{"Model": "imx708_fake", "Num": 0}]

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        return wanted

    def configure(self, configuration: Mapping[str, Any]) -> None:
        self.configuration = configuration

    def start(self) -> None:
        self.started = True

    def capture_request(self, wait: float) -> _FakeRequest:
        if self._taken == self.frames:
            raise TimeoutError(f"no picture within {wait} s")
        self._taken += 1
        width, height = self.configuration["main"]["size"]
        return _FakeRequest(
            np.full((height, width, 3), self._taken, np.uint8), time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        )

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True


def fake_picamera2_module() -> ModuleType:
    """A module to stand in `sys.modules` for `picamera2`."""
    module = ModuleType("picamera2")
    module.Picamera2 = FakePicamera2  # type: ignore[attr-defined]
    return module
