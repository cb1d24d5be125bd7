"""The JPEG pictures of a camera or a stream: decoded here, where a damaged one can be told from a whole one.

OpenCV's own readers (FFmpeg, V4L2) leave what is missing of a picture as it was in the one before, and call it read.
"""

from __future__ import annotations

import re
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

# ITU-T T.81, annex B
_START_OF_SCAN: Final = b"\xff\xda"
_END_OF_IMAGE: Final = b"\xff\xd9"
_PROGRESSIVE: Final = b"\xff\xc2"
_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_RESTARTS: Final = bytes(range(0xD0, 0xD8))
"""The only markers within a scan; they come in this order, over and over."""
_READ_AHEAD: Final = bytes(8)
"""The decoder looks so far beyond what it needs."""

_CODES: Final = {cv2.VideoWriter.fourcc(*"MJPG"), cv2.VideoWriter.fourcc(*"JPEG")}
_UNDECODED: Final = {"FFMPEG": (cv2.CAP_PROP_FORMAT, -1), "V4L2": (cv2.CAP_PROP_CONVERT_RGB, 0)}
"""Backend → the property that makes it hand out pictures as they came."""


def leave_undecoded(capture: Any) -> bool:
    """Makes an opened `cv2.VideoCapture` of JPEG pictures give their bytes, (1, n) uint8; False where it cannot."""
    if int(capture.get(cv2.CAP_PROP_FOURCC)) not in _CODES:
        return False
    wanted = _UNDECODED.get(capture.getBackendName())
    return wanted is not None and bool(capture.set(*wanted))


def decode(data: bytes) -> NDArray[np.uint8] | None:
    """The picture, (height, width, 3) BGR; None for what is none, is cut short, lacks a part or holds strange bytes.

    A changed bit that leaves everything in its place is not noticed.
    """
    scan = max(0, data.rfind(_START_OF_SCAN)) + len(_START_OF_SCAN)
    end = data.find(_END_OF_IMAGE, scan)
    end = len(data) if end < 0 else end
    restarts = b"".join(_MARKER.findall(data, scan, end))
    if restarts != (_RESTARTS * (len(restarts) // 8 + 1))[: len(restarts)]:
        return None
    # At the end mark the decoder would fill what is missing with grey; where data merely end it gives up. A progressive
    # picture, which no camera is known to send, is not at its end without the mark.
    coded = data[: end + len(_END_OF_IMAGE)] if _PROGRESSIVE in data[:scan] else data[:end] + _READ_AHEAD
    try:
        image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None  # a header that asks for more than can be
    return None if image is None else np.asarray(image, np.uint8)
