"""The Raspberry Pi camera, read with Picamera2 from the system packages (apt install python3-picamera2)."""

from __future__ import annotations

import importlib
import logging
import os
import threading
import time
from typing import Any, Final

import numpy as np

from edge.errors import SourceEnded, SourceError
from edge.observation import Frame
from edge.sources.base import Opened

log = logging.getLogger(__name__)

MODULE: Final = "picamera2"
"""Name of the module to import."""

_TIMEOUT_S: Final = 5.0
"""Seconds without an image after which the camera counts as lost."""
_POLL_S: Final = 0.25
"""Seconds between two checks of a waiting `read` whether the camera was closed."""


class NotInstalledError(SourceError):
    """Picamera2 is not installed; it is a system package and not on PyPI."""


def available(module: str = MODULE) -> bool:
    """Returns whether Picamera2 can be imported and finds a camera."""
    return bool(cameras(module))


def cameras(module: str = MODULE) -> tuple[str, ...]:
    """Returns the models of the cameras that Picamera2 finds; empty if it is not installed."""
    try:
        found = _load(module).global_camera_info()
    except NotInstalledError:
        return ()
    except SourceError as error:
        log.warning("%s", error)
        return ()
    except (OSError, RuntimeError, IndexError) as error:
        log.warning("Picamera2 cannot list cameras: %s", error)
        return ()
    return tuple(str(entry.get("Model", "camera")) for entry in found)


class PiCamera(Opened):
    """Delivers frames with the time stamps of the sensor."""

    def __init__(self, width: int, height: int, fps: float, module: str = MODULE) -> None:
        """Prepares a camera without opening it.

        Args:
            width: Width of the images in pixels.
            height: Height of the images in pixels.
            fps: Frame rate in frames per second.
            module: Name of the module to import; tests pass that of a fake.
        """
        self.name = "Pi camera"
        self._size, self._fps, self._module = (width, height), fps, module
        self._camera: Any = None
        self._taken = 0
        self._stop = threading.Event()
        # The camera must not be stopped while an image is being copied.
        self._lock = threading.Lock()

    def open(self) -> None:
        """Opens the camera. Raises `SourceError`."""
        self.close()
        self._stop.clear()
        self._taken = 0
        camera: Any = None
        try:
            camera = _load(self._module)()
            # Picamera2 names formats by byte significance: its RGB888 lies in memory as B, G, R.
            configuration = camera.create_video_configuration(
                main={"size": self._size, "format": "RGB888"}, controls={"FrameRate": self._fps}, buffer_count=3
            )
            camera.configure(configuration)
            camera.start()
        except SourceError:
            raise
        except (OSError, RuntimeError, IndexError) as error:
            if camera is not None:
                camera.close()
            raise SourceError(f"{self.name} cannot be opened: {error}; is it plugged in and not in use?") from error
        self._camera = camera

    def read(self) -> Frame:
        """Returns the next image. Raises `SourceError` if none arrives within five seconds."""
        with self._lock:
            if self._camera is None:
                raise SourceEnded(f"{self.name} was closed")
            request = self._request()
            try:
                image = np.ascontiguousarray(request.make_array("main")[:, :, :3])
                stamp = request.get_metadata().get("SensorTimestamp")
            finally:
                request.release()
        self._taken += 1
        return Frame(image, _monotonic(stamp), self._taken - 1)

    def close(self) -> None:
        """Releases the camera."""
        self._stop.set()
        with self._lock:
            camera, self._camera = self._camera, None
            if camera is not None:
                camera.stop()
                camera.close()

    def _request(self) -> Any:
        """Waits for a completed capture in short steps, so that `close` takes effect."""
        deadline = time.monotonic() + _TIMEOUT_S
        try:
            job = self._camera.capture_request(wait=False)
            while not self._stop.is_set():
                try:
                    return self._camera.wait(job, timeout=_POLL_S)
                except TimeoutError:
                    if time.monotonic() > deadline:
                        raise SourceError(f"{self.name} gives no more pictures; is its cable in place?") from None
        except SourceError:
            raise
        except (OSError, RuntimeError) as error:
            raise SourceError(f"{self.name} gives no more pictures: {error}") from error
        raise SourceEnded(f"{self.name} was closed")


def _load(module: str) -> Any:
    """Imports the class `Picamera2`. Raises `SourceError`."""
    # By default libcamera prints its version and every mode of every sensor to standard error.
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:WARN")
    try:
        return importlib.import_module(module).Picamera2
    except ImportError as error:
        raise NotInstalledError(
            "no Picamera2: apt install python3-picamera2, and make the virtual environment with --system-site-packages"
        ) from error
    except ValueError as error:
        # This is NumPy's "dtype size changed" from a library that was built for another version of NumPy.
        raise SourceError(
            f"Picamera2 cannot be loaded ({error}): the system's may be built for NumPy 1; pip install 'numpy<2'"
        ) from error


def _monotonic(nanoseconds: int | None) -> float:
    """Converts a time stamp of the sensor, which counts from boot including suspend, to seconds of `time.monotonic`."""
    now = time.monotonic()
    if nanoseconds is None:
        return now
    suspended = time.clock_gettime(time.CLOCK_BOOTTIME) - now
    return min(now, nanoseconds / 1e9 - suspended)
