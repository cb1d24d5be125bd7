"""The video devices of Linux (V4L2): which there are, and which of them are cameras."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEVICES: Final = Path("/dev")
SYSTEM: Final = Path("/sys/class/video4linux")

# From <linux/videodev2.h>
QUERY_CAPABILITIES: Final = 0x80685600
"""VIDIOC_QUERYCAP: fills a `struct v4l2_capability`."""
_CAPABILITY: Final = struct.Struct("=16s32s32sIII12x")
_VIDEO_CAPTURE: Final = 0x00000001 | 0x00001000
_MEMORY_TO_MEMORY: Final = 0x00004000 | 0x00008000
_DEVICE_CAPABILITIES: Final = 0x80000000

NOT_FOR_OPENCV: Final = frozenset({"bcm2835-isp", "bcm2835-codec", "pispbe", "rp1-cfe", "unicam", "rpi-hevc-dec"})
"""Drivers of a Raspberry Pi whose nodes give what only libcamera can make a picture of."""


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A `/dev/videoN`."""

    path: Path
    name: str
    camera: bool
    """Whether it gives pictures; a webcam's second node gives its metadata, a codec is no camera either."""
    usb: bool = False
    fault: str | None = None
    """Why it could not be asked."""


def cameras(devices: Path = DEVICES, system: Path = SYSTEM) -> tuple[VideoDevice, ...]:
    """What can be opened as a camera, or might be if it could be asked: USB cameras first, then by number."""
    found = [device for device in video_devices(devices, system) if device.camera]
    return tuple(sorted(found, key=lambda device: not device.usb))


def video_devices(devices: Path = DEVICES, system: Path = SYSTEM) -> tuple[VideoDevice, ...]:
    """All video devices, in the order of their numbers."""
    paths = [path for path in devices.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return tuple(_ask(path, system / path.name) for path in sorted(paths, key=lambda path: int(path.name[5:])))


def parse_capability(path: Path, answer: bytes) -> VideoDevice:
    """What a `struct v4l2_capability` (104 bytes) says of the device at `path`."""
    driver, card, bus, _version, whole, node = _CAPABILITY.unpack(answer)
    # A driver of today says what this node can do; `whole` is what all nodes of the hardware can do together.
    can = node if whole & _DEVICE_CAPABILITIES else whole
    return VideoDevice(
        path,
        _text(card) or "unnamed",
        camera=bool(can & _VIDEO_CAPTURE) and not can & _MEMORY_TO_MEMORY and _text(driver) not in NOT_FOR_OPENCV,
        usb=_text(bus).startswith("usb-"),
    )


def _ask(path: Path, entry: Path) -> VideoDevice:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            answer = fcntl.ioctl(descriptor, QUERY_CAPABILITIES, bytes(_CAPABILITY.size))
        finally:
            os.close(descriptor)
    except OSError as error:
        # Who may not open it can still read what the kernel calls it.
        denied = error.errno in {errno.EACCES, errno.EPERM}
        reason = "no permission: join the group video (sudo usermod -aG video $USER)" if denied else error.strerror
        return VideoDevice(path, _kernel_name(entry), camera=denied or error.errno == errno.EBUSY, fault=reason)
    return parse_capability(path, answer)


def _kernel_name(entry: Path) -> str:
    try:
        return (entry / "name").read_text(encoding="utf-8").strip() or "unnamed"
    except OSError:
        return "unnamed"


def _text(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace").strip()
