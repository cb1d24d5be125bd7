"""The Raspberry Pi's camera over Picamera2, which comes with the system (apt install python3-picamera2)."""

from __future__ import annotations

import importlib
import logging
import time
from typing import Any, Final

import numpy as np

from edge.errors import SourceEnded, SourceError
from edge.observation import Frame
from edge.sources.base import Opened

log = logging.getLogger(__name__)

MODULE: Final = "picamera2"

_TIMEOUT_S: Final = 5.0


def available(module: str = MODULE) -> bool:
    """Whether Picamera2 can be imported and sees a camera."""
    return bool(cameras(module))


def cameras(module: str = MODULE) -> tuple[str, ...]:
    """Models of the cameras that Picamera2 sees; empty without it."""
    try:
        found = importlib.import_module(module).Picamera2.global_camera_info()
    except ImportError:
        return ()
    except (OSError, RuntimeError, IndexError) as error:
        log.warning("Picamera2 cannot list cameras: %s", error)
        return ()
    return tuple(str(entry.get("Model", "camera")) for entry in found)


class PiCamera(Opened):
    """Gives frames with the sensor's own time stamps."""

    def __init__(self, width: int, height: int, fps: float, module: str = MODULE) -> None:
        """`module`: what stands in for `picamera2`, in tests."""
        self.name = "Pi camera"
        self._size, self._fps, self._module = (width, height), fps, module
        self._camera: Any = None
        self._taken = 0
        self._closing = False

    def open(self) -> None:
        """Raises `SourceError`."""
        self._closing = False
        try:
            camera = importlib.import_module(self._module).Picamera2()
            # Picamera2 names formats by byte significance: its RGB888 lies in memory as B, G, R.
            configuration = camera.create_video_configuration(
                main={"size": self._size, "format": "RGB888"}, controls={"FrameRate": self._fps}, buffer_count=3
            )
            camera.configure(configuration)
            camera.start()
        except ImportError as error:
            raise SourceError("no Picamera2: apt install python3-picamera2, use --system-site-packages") from error
        except (OSError, RuntimeError, IndexError) as error:
            raise SourceError(f"{self.name} cannot be opened: {error}; is it plugged in and not in use?") from error
        self._camera = camera

    def read(self) -> Frame:
        """The next picture. Raises `SourceError` when none comes for seconds."""
        if self._camera is None or self._closing:
            raise SourceEnded(f"{self.name} was closed")
        try:
            request = self._camera.capture_request(wait=_TIMEOUT_S)
        except (OSError, RuntimeError, TimeoutError) as error:
            if self._closing:
                raise SourceEnded(f"{self.name} was closed") from error
            raise SourceError(f"{self.name} gives no more pictures: {error or 'it does not answer'}") from error
        try:
            image = np.ascontiguousarray(request.make_array("main"))
            stamp = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        self._taken += 1
        return Frame(image[:, :, :3], _monotonic(stamp), self._taken - 1)

    def close(self) -> None:
        """Frees the camera."""
        self._closing = True
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.stop()
            camera.close()


def _monotonic(nanoseconds: int | None) -> float:
    """The sensor's stamp, which counts from boot, sleep included, in seconds of `time.monotonic`."""
    now = time.monotonic()
    if nanoseconds is None:
        return now
    asleep = time.clock_gettime(time.CLOCK_BOOTTIME) - now
    return min(now, nanoseconds / 1e9 - asleep)
