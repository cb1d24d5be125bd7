"""What cameras and microphones are there, and what is missing to use them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from edge.errors import MissingExtraError
from edge.quiet import quiet_stderr
from edge.sources import picamera
from edge.sources.camera import video_devices
from edge.sources.portaudio import CHATTER, import_pyaudio, input_devices

_SYSTEM: Final = Path("/sys/class/video4linux")


class CameraDevice(msgspec.Struct, frozen=True):
    """A camera that can be named in `camera.source` (or, through Picamera2, is found by `auto`)."""

    source: str
    name: str
    backend: str


class MicrophoneDevice(msgspec.Struct, frozen=True):
    """A microphone that can be named in `microphone.device`, by index or name."""

    index: int
    name: str
    rate: int
    channels: int


class Devices(msgspec.Struct, frozen=True):
    """All that is there; `hints` say in a line each what is missing and how to get it."""

    cameras: tuple[CameraDevice, ...]
    microphones: tuple[MicrophoneDevice, ...]
    hints: tuple[str, ...]


def find(system: Path = _SYSTEM) -> Devices:
    """Looks for cameras and microphones; never an error."""
    cameras = [CameraDevice("auto", name, "picamera2") for name in picamera.cameras()]
    cameras += [
        CameraDevice(str(path), _video_name(system / path.name), "opencv")
        for path in video_devices()
        if _captures(system / path.name)
    ]
    hints = [] if cameras else ["no camera: plug one in; a Pi's own needs apt install python3-picamera2"]
    microphones: tuple[MicrophoneDevice, ...] = ()
    try:
        microphones = _microphones()
        if not microphones:
            hints.append("no microphone: plug one in; are you in the group audio?")
    except MissingExtraError as error:
        hints.append(str(error))
    return Devices(tuple(cameras), microphones, tuple(hints))


def _microphones() -> tuple[MicrophoneDevice, ...]:
    pyaudio = import_pyaudio()
    with quiet_stderr(CHATTER):
        audio = pyaudio.PyAudio()
        try:
            return tuple(
                MicrophoneDevice(
                    int(device["index"]),
                    str(device["name"]),
                    int(device["defaultSampleRate"]),
                    int(device["maxInputChannels"]),
                )
                for device in input_devices(audio)
            )
        finally:
            audio.terminate()


def _video_name(entry: Path) -> str:
    try:
        return (entry / "name").read_text(encoding="utf-8").strip()
    except OSError:
        return "unnamed"


def _captures(entry: Path) -> bool:
    """Whether it is a camera's first node; the further ones carry metadata."""
    try:
        return (entry / "index").read_text(encoding="utf-8").strip() == "0"
    except OSError:
        return True
