"""Lists and selects microphones with PortAudio, through PyAudio."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

from edge.errors import MissingExtraError, SourceError

DeviceInfo: TypeAlias = Mapping[str, Any]
"""PortAudio's description of a device: `index`, `name`, `maxInputChannels`, `defaultSampleRate` …"""

CHATTER: Final = re.compile(
    rb"ALSA lib |Cannot connect to server|jack server is not running|JackShm|Expression '|connect\(2\) call|"
    rb"attempt to connect|Unable to connect|aserver|^\s*$"
)
"""Lines that ALSA, JACK and PortAudio print to standard error about missing devices, which are suppressed."""


def import_pyaudio() -> Any:
    """Imports the module `pyaudio`. Raises `MissingExtraError`."""
    try:
        import pyaudio
    except ImportError as error:
        raise MissingExtraError(
            "the microphone (PyAudio, which is built on apt install portaudio19-dev)", "microphone"
        ) from error
    return pyaudio


def input_devices(audio: Any) -> list[DeviceInfo]:
    """Returns the devices that can record, the default one first; `audio` is a `pyaudio.PyAudio`."""
    found = [audio.get_device_info_by_index(index) for index in range(audio.get_device_count())]
    found = [device for device in found if device["maxInputChannels"] > 0]
    try:
        default = audio.get_default_input_device_info()["index"]
    except OSError:
        default = None
    return sorted(found, key=lambda device: device["index"] != default)


def choose(devices: Sequence[DeviceInfo], wanted: str | int) -> list[DeviceInfo]:
    """Returns the devices to try, best first.

    For `auto` these are all devices. Otherwise they are the first non-empty group of: the device whose index is
    `wanted`; those whose name equals it; those whose name contains it. Case is ignored. Raises `SourceError` if no
    device matches.
    """
    if not devices:
        raise SourceError(
            "no microphone found; plug one in (`arecord -l` lists them) or set microphone.enabled = false"
        )
    if wanted == "auto":
        return list(devices)
    name = str(wanted).casefold()
    for fits in (
        [device for device in devices if str(device["index"]) == name],
        [device for device in devices if str(device["name"]).casefold() == name],
        [device for device in devices if not name.isdecimal() and name in str(device["name"]).casefold()],
    ):
        if fits:
            return fits
    there = ", ".join(f"{device['index']} {device['name']!r}" for device in devices)
    raise SourceError(f"no microphone {wanted!r}; there are: {there}")
