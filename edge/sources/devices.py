"""Lists the available cameras and microphones, and what is missing to use more."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import msgspec

from edge.errors import MissingExtraError
from edge.quiet import quiet_stderr
from edge.sources import picamera, v4l2
from edge.sources.portaudio import CHATTER, import_pyaudio, input_devices


class CameraDevice(msgspec.Struct, frozen=True):
    """A camera that can be named in `camera.source` or, with Picamera2, is found by `auto`."""

    source: str
    """Value for `camera.source`."""
    name: str
    """Name of the camera model."""
    backend: str
    """Library that reads the camera: `picamera2` or `opencv`."""
    fault: str | None = None
    """Why the camera cannot be used at present; None if it can."""


class MicrophoneDevice(msgspec.Struct, frozen=True):
    """A microphone that can be named in `microphone.device` by index or name; `auto` takes the first."""

    index: int
    """Index of the device in PortAudio."""
    name: str
    """Name of the device."""
    rate: int
    """Default sampling rate of the device in hertz."""
    channels: int
    """Maximum number of input channels."""


class Devices(msgspec.Struct, frozen=True):
    """All available devices."""

    cameras: tuple[CameraDevice, ...]
    """Cameras, in the order in which `auto` tries them."""
    microphones: tuple[MicrophoneDevice, ...]
    """Microphones, the default one first."""
    hints: tuple[str, ...]
    """One line for each thing that is missing, with how to get it."""


def find(devices: Path = v4l2.DEVICES, system: Path = v4l2.SYSTEM) -> Devices:
    """Lists cameras and microphones; problems become hints, and no error is raised."""
    cameras = [CameraDevice("auto", name, "picamera2") for name in picamera.cameras()]
    cameras += [
        CameraDevice(str(device.path), device.name, "opencv", device.fault) for device in v4l2.cameras(devices, system)
    ]
    hints = [f"{camera.source}: {camera.fault}" for camera in cameras if camera.fault]
    if not cameras:
        hints.append("no camera: plug one in; a Pi's own needs apt install python3-picamera2 (--system-site-packages)")
    microphones: tuple[MicrophoneDevice, ...] = ()
    try:
        microphones = _microphones()
        if not microphones:
            hints.append("no microphone: plug one in (`arecord -l` lists them); are you in the group audio?")
    except MissingExtraError as error:
        hints.append(str(error))
    except OSError as error:
        hints.append(f"no microphone: PortAudio cannot be used: {error}")
    for module, need, extra in (
        ("av", "reading media files", "media"),
        ("pocketsphinx", "spoken keywords", "keywords"),
    ):
        if find_spec(module) is None:
            hints.append(str(MissingExtraError(need, extra)))
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
