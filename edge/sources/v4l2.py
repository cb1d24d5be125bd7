"""Lists the video devices of Linux (V4L2) and identifies the cameras among them."""

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
"""Folder of the device nodes."""
SYSTEM: Final = Path("/sys/class/video4linux")
"""Folder in which the kernel describes the devices."""

# The following values are from <linux/videodev2.h>.
QUERY_CAPABILITIES: Final = 0x80685600
"""Request code VIDIOC_QUERYCAP, which fills a `struct v4l2_capability`."""
_CAPABILITY_STRUCT: Final = struct.Struct("=16s32s32sIII12x")
"""Layout of `struct v4l2_capability`."""
_VIDEO_CAPTURE: Final = 0x00000001 | 0x00001000
"""V4L2_CAP_VIDEO_CAPTURE and its multi-planar form: the node delivers images."""
_MEMORY_TO_MEMORY: Final = 0x00004000 | 0x00008000
"""V4L2_CAP_VIDEO_M2M_MPLANE and V4L2_CAP_VIDEO_M2M: the node is a codec."""
_DEVICE_CAPS: Final = 0x80000000
"""V4L2_CAP_DEVICE_CAPS: the struct also states the capabilities of this node alone."""

NOT_FOR_OPENCV: Final = frozenset({"bcm2835-isp", "bcm2835-codec", "pispbe", "rp1-cfe", "unicam", "rpi-hevc-dec"})
"""Drivers of the Raspberry Pi whose nodes deliver data that only libcamera can convert to images."""


@dataclass(frozen=True, slots=True)
class VideoDevice:
    """A video device `/dev/videoN`."""

    path: Path
    """Path of the device node."""
    name: str
    """Name of the hardware."""
    camera: bool
    """Whether the node delivers images of a camera; the metadata node of a webcam and a codec do not."""
    usb: bool = False
    """Whether the device is connected by USB."""
    fault: str | None = None
    """Why the device could not be queried; None if it could."""


def cameras(devices: Path = DEVICES, system: Path = SYSTEM) -> tuple[VideoDevice, ...]:
    """Returns the cameras, and devices in use or without permission that may be cameras: USB first, then by number."""
    found = [device for device in video_devices(devices, system) if device.camera]
    return tuple(sorted(found, key=lambda device: not device.usb))


def video_devices(devices: Path = DEVICES, system: Path = SYSTEM) -> tuple[VideoDevice, ...]:
    """Returns all video devices in the order of their numbers."""
    paths = [path for path in devices.glob("video*") if re.fullmatch(r"video\d+", path.name)]
    return tuple(_query(path, system / path.name) for path in sorted(paths, key=lambda path: int(path.name[5:])))


def parse_capability(path: Path, answer: bytes) -> VideoDevice:
    """Parses a `struct v4l2_capability` (104 bytes) of the device at `path`."""
    driver, card, bus, _version, capabilities, device_caps = _CAPABILITY_STRUCT.unpack(answer)
    # Current drivers give the capabilities of this node in `device_caps`; `capabilities` covers all nodes.
    effective = device_caps if capabilities & _DEVICE_CAPS else capabilities
    return VideoDevice(
        path,
        _text(card) or "unnamed",
        camera=bool(effective & _VIDEO_CAPTURE)
        and not effective & _MEMORY_TO_MEMORY
        and _text(driver) not in NOT_FOR_OPENCV,
        usb=_text(bus).startswith("usb-"),
    )


def _query(path: Path, entry: Path) -> VideoDevice:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            answer = fcntl.ioctl(descriptor, QUERY_CAPABILITIES, bytes(_CAPABILITY_STRUCT.size))
        finally:
            os.close(descriptor)
    except OSError as error:
        # Without permission to open the device, its name can still be read from the kernel.
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
