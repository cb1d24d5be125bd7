"""Decodes the JPEG images of a camera or stream and detects damaged ones.

OpenCV's own readers (FFmpeg, V4L2) fill the missing parts of an image from the previous one and report success.
"""

from __future__ import annotations

import re
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

# The markers are defined in ITU-T T.81, annex B.
_START_OF_SCAN: Final = b"\xff\xda"
"""Marker SOS, before the entropy-coded data."""
_END_OF_IMAGE: Final = b"\xff\xd9"
"""Marker EOI, at the end of a complete image."""
_PROGRESSIVE_FRAME: Final = b"\xff\xc2"
"""Marker SOF2 of a progressive image."""
_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
"""Any marker; its second byte is the group. In entropy-coded data the byte 0xFF is followed by 0."""
_RESTARTS: Final = bytes(range(0xD0, 0xD8))
"""Second bytes of the restart markers RST0 to RST7, the only markers within a scan, which repeat in this order."""
_READ_AHEAD: Final = bytes(8)
"""Padding after the data, because the decoder reads up to 8 bytes ahead."""

_JPEG_CODES: Final = {cv2.VideoWriter.fourcc(*"MJPG"), cv2.VideoWriter.fourcc(*"JPEG")}
"""FourCC codes of JPEG streams."""
_RAW_PROPERTIES: Final = {"FFMPEG": (cv2.CAP_PROP_FORMAT, -1), "V4L2": (cv2.CAP_PROP_CONVERT_RGB, 0)}
"""Backend of OpenCV → the property and value that make it return images undecoded."""


def leave_undecoded(capture: Any) -> bool:
    """Makes an opened `cv2.VideoCapture` return the bytes of JPEG images, (1, n) uint8, instead of decoding them.

    Returns False if the stream is not JPEG or the backend does not support it.
    """
    if int(capture.get(cv2.CAP_PROP_FOURCC)) not in _JPEG_CODES:
        return False
    raw_property = _RAW_PROPERTIES.get(capture.getBackendName())
    return raw_property is not None and bool(capture.set(*raw_property))


def decode(data: bytes) -> NDArray[np.uint8] | None:
    """Decodes a JPEG image to (height, width, 3) uint8 BGR; returns None for invalid, truncated or damaged data.

    A bit error that leaves the structure intact is not detected.
    """
    scan = max(0, data.rfind(_START_OF_SCAN)) + len(_START_OF_SCAN)
    end = data.find(_END_OF_IMAGE, scan)
    end = len(data) if end < 0 else end
    restarts = b"".join(_MARKER.findall(data, scan, end))
    if restarts != (_RESTARTS * (len(restarts) // 8 + 1))[: len(restarts)]:
        return None
    # With the end marker, the decoder would fill missing parts with grey; without it, it reports an error. A
    # progressive image, which no known camera sends, is incomplete without the marker.
    coded = data[: end + len(_END_OF_IMAGE)] if _PROGRESSIVE_FRAME in data[:scan] else data[:end] + _READ_AHEAD
    try:
        image = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None  # the header states an impossible size
    return None if image is None else np.asarray(image, np.uint8)
