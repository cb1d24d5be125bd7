"""Fakes of the modules `picamera2` and `pyaudio`, with the part of their API that the sources use.

They are shipped so that a source can be developed without a Raspberry Pi and without a sound card.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray


class FakeRequest:
    """A completed capture of `FakePicamera2`."""

    def __init__(self, image: NDArray[np.uint8], stamp_ns: int) -> None:
        self._image, self._stamp_ns = image, stamp_ns
        self.released = False

    def make_array(self, _stream: str) -> NDArray[np.uint8]:
        return self._image

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": self._stamp_ns}

    def release(self) -> None:
        self.released = True


class FakePicamera2:
    """Delivers a fixed number of images, each one level brighter in blue, and then hangs like a disconnected camera."""

    models: Sequence[str] = ("imx708",)
    """Models of the connected cameras."""
    frames = 5
    """Number of images before the camera hangs."""
    busy = False
    """Whether the camera is in use by another process."""
    opened: list[FakePicamera2]
    """All instances created so far."""

    def __init__(self) -> None:
        if not self.models:
            raise IndexError("list index out of range")
        if self.busy:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        self.configuration: Mapping[str, Any] = {}
        self.started = self.closed = False
        self.requests: list[FakeRequest] = []
        self.opened.append(self)

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{"Model": model, "Num": number} for number, model in enumerate(cls.models)]

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        return wanted

    def configure(self, configuration: Mapping[str, Any]) -> None:
        self.configuration = configuration

    def start(self) -> None:
        self.started = True

    def capture_request(self, *, wait: bool) -> Future[FakeRequest]:
        if wait:
            raise NotImplementedError("the source asks for a job, so that it can be closed while it waits")
        job: Future[FakeRequest] = Future()
        if len(self.requests) < self.frames:
            width, height = self.configuration["main"]["size"]
            image = np.zeros((height, width, 3), np.uint8)
            image[:, :, 0] = len(self.requests) + 1
            self.requests.append(FakeRequest(image, time.clock_gettime_ns(time.CLOCK_BOOTTIME)))
            job.set_result(self.requests[-1])
        return job

    def wait(self, job: Future[FakeRequest], timeout: float | None = None) -> FakeRequest:
        return job.result(timeout)

    def stop(self) -> None:
        self.started = False

    def close(self) -> None:
        self.closed = True


def fake_picamera2(*, models: Sequence[str] = ("imx708",), frames: int = 5, busy: bool = False) -> ModuleType:
    """Creates a module to put into `sys.modules` as `picamera2`; its `Picamera2.opened` lists all instances.

    Args:
        models: Models of the connected cameras.
        frames: Number of images before a camera hangs.
        busy: Whether the camera is in use by another process.
    """
    module = ModuleType("picamera2")
    module.Picamera2 = type(  # type: ignore[attr-defined]
        "Picamera2", (FakePicamera2,), {"models": tuple(models), "frames": frames, "busy": busy, "opened": []}
    )
    return module


class FakeDevice:
    """An input device of `fake_pyaudio` that delivers a 440 Hz tone."""

    def __init__(
        self,
        name: str,
        rates: Sequence[int] = (16_000,),
        channels: Sequence[int] = (1,),
        *,
        busy: bool = False,
        chunks: int | None = None,
        overflow_at: int | None = None,
    ) -> None:
        """Describes the device.

        Args:
            name: Name of the device.
            rates: Supported sampling rates in hertz, the default one first.
            channels: Supported numbers of channels.
            busy: Whether opening the device fails.
            chunks: Number of chunks after which the device is unplugged; None for never.
            overflow_at: Index of a chunk that reports lost audio before it; None for never.
        """
        self.name, self.rates, self.channels = name, tuple(rates), tuple(channels)
        self.busy, self.chunks, self.overflow_at = busy, chunks, overflow_at

    def info(self, index: int) -> dict[str, Any]:
        return {
            "index": index,
            "name": self.name,
            "maxInputChannels": max(self.channels, default=0),
            "defaultSampleRate": float(self.rates[0]) if self.rates else 44_100.0,
        }


class FakeStream:
    """Calls back from a thread in real time, like PortAudio."""

    def __init__(
        self, device: FakeDevice, rate: int, channels: int, frames: int, call_back: Callable[..., tuple[None, int]]
    ) -> None:
        """Starts the stream.

        Args:
            device: The device that delivers the tone.
            rate: Sampling rate in hertz.
            channels: Number of channels.
            frames: Samples per chunk and channel.
            call_back: PortAudio's stream callback.
        """
        self._device, self._rate, self._channels, self._frames = device, rate, channels, frames
        self._call_back = call_back
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake PortAudio", daemon=True)
        self._thread.start()

    def is_active(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        duration = self._frames / self._rate
        count = 0
        while count != self._device.chunks and not self._stop.wait(duration):
            times = (count * self._frames + np.arange(self._frames)) / self._rate
            tone = np.rint(16_384 * np.sin(2 * np.pi * 440 * times)).astype("<i2")
            clock = {"current_time": (count + 1) * duration, "input_buffer_adc_time": count * duration}
            data = np.repeat(tone[:, None], self._channels, axis=1).tobytes()
            self._call_back(data, self._frames, clock, 2 if count == self._device.overflow_at else 0)
            count += 1


def fake_pyaudio(*devices: FakeDevice, default: int | None = 0) -> ModuleType:
    """Creates a module to put into `sys.modules` as `pyaudio`.

    `default` is the index of the default input device; with None there is no default.
    """

    class PyAudio:
        def get_device_count(self) -> int:
            return len(devices)

        def get_device_info_by_index(self, index: int) -> dict[str, Any]:
            return devices[index].info(index)

        def get_default_input_device_info(self) -> dict[str, Any]:
            if default is None or not devices:
                raise OSError("No Default Input Device Available")
            return devices[default].info(default)

        def is_format_supported(self, rate: float, *, input_device: int, input_channels: int, **_: Any) -> bool:
            if rate not in devices[input_device].rates:
                raise ValueError("Invalid sample rate", -9997)
            if input_channels not in devices[input_device].channels:
                raise ValueError("Invalid number of channels", -9998)
            return True

        def open(self, *, rate: int, channels: int, input_device_index: int, **rest: Any) -> FakeStream:
            device = devices[input_device_index]
            if device.busy:
                raise OSError(-9985, "Device unavailable")
            return FakeStream(device, rate, channels, rest["frames_per_buffer"], rest["stream_callback"])

        def terminate(self) -> None:
            """Does nothing, because there is nothing to release."""

    module = ModuleType("pyaudio")
    for name, value in {"PyAudio": PyAudio, "paInt16": 8, "paContinue": 0, "paInputOverflow": 2}.items():
        setattr(module, name, value)
    return module
