"""Cameras over OpenCV, and the choice of the one that is there."""

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

without_password = masked
"""A stream's address for messages and topics."""

_DAMAGED: Final = 10
"""A camera that fails to give more pictures in a row than this counts as gone."""
_TIMEOUT_MS: Final = 5000
"""Longest wait for a stream to open, and for its next picture."""


def open_camera(settings: config.Camera) -> Source[Frame]:
    """The camera that the settings name, not yet opened; its pictures come as `rotate` and `flip` ask for.

    Raises `SourceError` where `auto` finds none.
    """
    return oriented(_chosen(settings), Orientation(settings.rotate, settings.flip))


def _chosen(settings: config.Camera) -> Source[Frame]:
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
        # Of several, one may be in use, or give nothing that OpenCV can read.
        working = (each for each in candidates if len(candidates) == 1 or _opens(each))
        return next(working, candidates[0])
    return OpenCVCamera(source, settings.width, settings.height, settings.fps)


def check_source(source: str | int) -> None:
    """Whether `camera.source` has a form that can be opened; opens nothing. Raises `SourceError` where it has not."""
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


def _opens(camera: OpenCVCamera) -> bool:
    try:
        with camera:
            return True
    except SourceError as error:
        log.warning("%s; trying the next", error)
        return False


class OpenCVCamera(Opened):
    """An index, `/dev/videoN`, a GStreamer pipeline, an `rtsp://` or `http://` URL.

    Pictures come in the size asked for where the device can do it, and are scaled down to fit it where it, or a
    stream, gives larger ones. A thread of its own takes every picture and keeps the newest, so that a slow reader sees
    the present: a driver's or a network's queue would show the past. Damaged pictures are left out and counted.
    """

    def __init__(self, source: str | int, width: int, height: int, fps: float) -> None:
        self.name = f"camera {masked(str(source))}"
        self.refused = 0
        """Pictures that came damaged."""
        self._source = source
        self._size = (width, height, fps)
        self._newest: Frame | None = None
        self._taken = 0
        self._fault: str | None = None
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """Raises `SourceError` where the camera cannot be opened."""
        self.close()
        _hush()
        capture = self._open_capture()
        if not capture.isOpened():
            capture.release()
            raise SourceError(f"{self.name} cannot be opened; {self._advice()}")
        # An event of its own for each opening: a thread that still hangs in a dead stream must not come alive again.
        self._stop = threading.Event()
        self._fault, self._newest, self._taken = None, None, 0
        self._thread = threading.Thread(target=self._grab, args=(capture, self._stop), name=self.name, daemon=True)
        self._thread.start()

    def read(self) -> Frame:
        """The newest picture that was not read yet. Raises `SourceError` when no more come."""
        with self._changed:
            waited = self._changed.wait_for(
                lambda: self._newest is not None or self._fault is not None or self._stop.is_set(),
                timeout=2 * _TIMEOUT_MS / 1000,
            )
            frame, self._newest = self._newest, None
        if frame is not None:
            return Frame(_fitted(frame.image, *self._size[:2]), frame.captured_at, frame.sequence)
        if self._stop.is_set():
            raise SourceEnded(f"{self.name} was closed")
        raise SourceError(self._fault if waited and self._fault else f"{self.name} gives no pictures that can be read")

    def close(self) -> None:
        """Frees the camera."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=1.0)

    def _grab(self, capture: Any, stop: threading.Event) -> None:
        still = "is the stream still on?" if "://" in str(self._source) else "is it still plugged in?"
        fault = f"{self.name} gave no more pictures; {still}"
        try:
            undecoded = jpeg.leave_undecoded(capture)
            failures = 0
            while not stop.is_set():
                ok, image = capture.read()
                now = time.monotonic()
                if not ok or image is None:
                    # A picture that arrives damaged fails alone; where nothing comes at all, every further one fails.
                    failures += 1
                    if failures > _DAMAGED:
                        break
                    stop.wait(0.01)
                    continue
                self.refused, failures = self.refused + failures, 0
                if undecoded and image.ndim == 2 and len(image) == 1:  # a driver may decode all the same
                    image = jpeg.decode(image.tobytes())
                    if image is None:
                        self.refused += 1
                        continue
                with self._changed:
                    if not stop.is_set():
                        self._newest = Frame(np.asarray(image, np.uint8), now, self._taken)
                        self._taken += 1
                        self._changed.notify_all()
        except cv2.error as error:
            fault = f"{self.name} failed: {masked(str(error).strip().splitlines()[-1])}"
        finally:
            capture.release()
        with self._changed:
            if not stop.is_set():
                self._fault = fault
                self._changed.notify_all()

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
            # FFmpeg's own messages come beside ours otherwise; 32 (info) or 48 (debug) brings them back.
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

    def _advice(self) -> str:
        if "://" in str(self._source):
            return "is the address right and the stream on?"
        return "is it plugged in, in use elsewhere, and are you in the group video?"


def _fitted(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture, scaled down to at most this size in its own proportions."""
    scale = min(width / image.shape[1], height / image.shape[0])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _has_gstreamer(information: Callable[[], str] = cv2.getBuildInformation) -> bool:
    return bool(re.search(r"GStreamer:\s+YES", information()))


def _hush() -> None:
    """Keeps OpenCV's warnings back, of which our own message says the same in one line."""
    levels = getattr(cv2.utils, "logging", None)  # older ones have none
    if levels is not None:
        levels.setLogLevel(levels.LOG_LEVEL_ERROR)
