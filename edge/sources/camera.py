"""Cameras read with OpenCV, and the selection of the camera to open."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge import config
from edge.errors import SourceEnded, SourceError
from edge.observation import Frame
from edge.sources import jpeg, picamera, v4l2
from edge.sources.base import Opened, Source
from edge.sources.masking import masked
from edge.sources.orientation import Orientation, oriented

log = logging.getLogger(__name__)

_MAX_FAILED_READS: Final = 10
"""Number of consecutive failed reads above which a camera counts as lost."""
_TIMEOUT_MS: Final = 5000
"""Maximum time in milliseconds for a stream to open, and for its next image."""


def open_camera(settings: config.Camera) -> Source[Frame]:
    """Returns the camera of the settings, not yet opened, whose images are oriented by `rotate` and `flip`.

    Raises `SourceError` if `auto` finds no camera.
    """
    return oriented(_select(settings), Orientation(settings.rotate, settings.flip))


def _select(settings: config.Camera) -> Source[Frame]:
    if settings.backend == "picamera2" or (settings.backend == "auto" and settings.source == "auto"):
        if picamera.available():
            return picamera.PiCamera(settings.width, settings.height, settings.fps)
        if settings.backend == "picamera2":
            raise SourceError(
                "no Pi camera: is Picamera2 there (apt install python3-picamera2, and a virtual environment with "
                "--system-site-packages), is a camera plugged in (rpicam-hello --list-cameras)?"
            )
    source = settings.source
    if source == "auto":
        found = v4l2.cameras()
        if not found:
            raise SourceError("no camera found (none at /dev/video*); plug one in, or set camera.source or --source")
        candidates = [OpenCVCamera(str(each.path), settings.width, settings.height, settings.fps) for each in found]
        # One of several cameras may be in use, or deliver a format that OpenCV cannot read.
        working = (each for each in candidates if len(candidates) == 1 or _can_open(each))
        return next(working, candidates[0])
    return OpenCVCamera(source, settings.width, settings.height, settings.fps)


def check_source(source: str | int) -> None:
    """Checks the form of `camera.source` without opening it. Raises `SourceError` if it has no valid form."""
    text = str(source)
    if text == "auto" or text.isdecimal() or _is_pipeline(text) or re.match(r"[a-zA-Z][\w+.-]*://[^/\s]", text):
        return
    if "://" not in text and (text.startswith(("/", "./", "../")) or Path(text).is_file()):
        return
    raise SourceError(
        f"camera {masked(text)} is none of auto, an index, /dev/videoN, a GStreamer pipeline and a URL such as "
        "rtsp://host/path; `edge-emotion devices` lists what is there"
    )


def _is_pipeline(source: str) -> bool:
    return "!" in source and not re.match(r"\w+://", source)


def _can_open(camera: OpenCVCamera) -> bool:
    try:
        with camera:
            return True
    except SourceError as error:
        log.warning("%s; trying the next", error)
        return False


class OpenCVCamera(Opened):
    """A camera given as an index, `/dev/videoN`, a GStreamer pipeline, or an `rtsp://` or `http://` URL.

    Images have the requested size if the device supports it; larger images of a device or stream are scaled down to fit
    it. A separate thread reads every image and keeps the newest one, so that a slow reader gets current images instead
    of old ones from the queue of a driver or network. Damaged images are skipped and counted.
    """

    def __init__(self, source: str | int, width: int, height: int, fps: float) -> None:
        """Prepares a camera without opening it.

        Args:
            source: Index, device, pipeline, file or URL.
            width: Requested width of the images in pixels.
            height: Requested height of the images in pixels.
            fps: Requested frame rate in frames per second.
        """
        self.name = f"camera {masked(str(source))}"
        self.refused = 0
        """Number of damaged images skipped so far."""
        self._source = source
        self._size = (width, height, fps)
        self._newest: Frame | None = None
        self._taken = 0
        self._fault: str | None = None
        self._condition = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Opens the camera. Raises `SourceError` if that fails."""
        self.close()
        _silence_opencv()
        capture = self._open_capture()
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{self.name} cannot be opened; {self._hint()}")
        # Each opening has its own event, so that a thread that still hangs in a dead stream does not resume.
        self._stop = threading.Event()
        self._fault, self._newest, self._taken = None, None, 0
        self._thread = threading.Thread(target=self._grab, args=(capture, self._stop), name=self.name, daemon=True)
        self._thread.start()

    def read(self) -> Frame:
        """Waits for the newest image that was not read yet. Raises `SourceError` if no more images arrive."""
        with self._condition:
            notified = self._condition.wait_for(
                lambda: self._newest is not None or self._fault is not None or self._stop.is_set(),
                timeout=2 * _TIMEOUT_MS / 1000,
            )
            frame, self._newest = self._newest, None
        if frame is not None:
            return Frame(_scaled_to_fit(frame.image, *self._size[:2]), frame.captured_at, frame.sequence)
        if self._stop.is_set():
            raise SourceEnded(f"{self.name} was closed")
        raise SourceError(
            self._fault if notified and self._fault else f"{self.name} gives no pictures that can be read"
        )

    def close(self) -> None:
        """Releases the camera."""
        self._stop.set()
        with self._condition:
            self._condition.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=1.0)

    def _grab(self, capture: Any, stop: threading.Event) -> None:
        question = "is the stream still on?" if "://" in str(self._source) else "is it still plugged in?"
        fault = f"{self.name} gave no more pictures; {question}"
        try:
            undecoded = jpeg.leave_undecoded(capture)
            failures = 0
            while not stop.is_set():
                ok, image = capture.read()
                now = time.monotonic()
                if not ok or image is None:
                    # A damaged image is a single failure; if nothing arrives at all, every read fails.
                    failures += 1
                    if failures > _MAX_FAILED_READS:
                        break
                    stop.wait(0.01)
                    continue
                self.refused, failures = self.refused + failures, 0
                if undecoded and image.ndim == 2 and len(image) == 1:  # a driver may decode anyway
                    image = jpeg.decode(image.tobytes())
                    if image is None:
                        self.refused += 1
                        continue
                with self._condition:
                    if not stop.is_set():
                        self._newest = Frame(np.asarray(image, np.uint8), now, self._taken)
                        self._taken += 1
                        self._condition.notify_all()
        except cv2.error as error:
            fault = f"{self.name} failed: {masked(str(error).strip().splitlines()[-1])}"
        finally:
            capture.release()
        with self._condition:
            if not stop.is_set():
                self._fault = fault
                self._condition.notify_all()

    def _open_capture(self) -> Any:
        source = self._source
        width, height, fps = self._size
        timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]
        if isinstance(source, str) and _is_pipeline(source):
            if not _has_gstreamer():
                raise SourceError(
                    f"{self.name}: this OpenCV has no GStreamer; use the system's (apt install python3-opencv, a "
                    "virtual environment with --system-site-packages) or name a device or URL"
                )
            return cv2.VideoCapture(source, cv2.CAP_GSTREAMER)
        if isinstance(source, str) and "://" in source:
            os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
            # Suppresses FFmpeg's own messages, which would duplicate ours; 32 (info) or 48 (debug) restores them.
            os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
            return cv2.VideoCapture(source, cv2.CAP_FFMPEG, timeouts)
        if isinstance(source, str) and source.isdecimal():
            source = int(source)
        if isinstance(source, str) and not Path(source).exists():
            raise SourceError(f"{self.name} is not there; `edge-emotion devices` lists what is")
        if isinstance(source, str) and not source.startswith("/dev/"):
            return cv2.VideoCapture(source)
        capture = cv2.VideoCapture(source, cv2.CAP_V4L2)
        if capture.isOpened():
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            capture.set(cv2.CAP_PROP_FPS, fps)
            capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return capture

    def _hint(self) -> str:
        if "://" in str(self._source):
            return "is the address right and the stream on?"
        return "is it plugged in, in use elsewhere, and are you in the group video?"


def _scaled_to_fit(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scales an image down to at most this size, keeping its aspect ratio."""
    scale = min(width / image.shape[1], height / image.shape[0])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _has_gstreamer(build_information: Callable[[], str] = cv2.getBuildInformation) -> bool:
    return bool(re.search(r"GStreamer:\s+YES", build_information()))


def _silence_opencv() -> None:
    """Suppresses OpenCV's warnings, because our own one-line message states the same."""
    levels = getattr(cv2.utils, "logging", None)  # missing in older versions of OpenCV
    if levels is not None:
        levels.setLogLevel(levels.LOG_LEVEL_ERROR)
