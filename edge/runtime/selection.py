"""Selects the sources: the configured devices, a recording in their place, or the devices that are found."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from edge import clip
from edge.config import Camera, Config
from edge.config import Microphone as MicrophoneSettings
from edge.observation import Transcript
from edge.publish.payloads import Sensor
from edge.runtime.feeds import Inputs
from edge.sources import devices
from edge.sources.camera import open_camera
from edge.sources.devices import Devices
from edge.sources.masking import masked
from edge.sources.media import MediaFile
from edge.sources.microphone import Microphone
from edge.sources.paced import PacedMedia
from edge.sources.transcripts import StdinTranscripts, read_transcript_file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """The selected sources."""

    inputs: Inputs
    """Factories of the sources."""
    sensors: tuple[Sensor, ...]
    """Description of the sources for the `info` topic."""


def from_devices(config: Config) -> Selection:
    """Selects camera and microphone as configured; the search for a missing device is repeated while running."""
    found = devices.find()
    sensors = (_camera_sensor(config.camera, found), _microphone_sensor(config.microphone, found))
    return Selection(
        Inputs(
            camera=(lambda: open_camera(config.camera)) if config.camera.enabled else None,
            microphone=(lambda: Microphone(config.microphone)) if config.microphone.enabled else None,
            transcripts=StdinTranscripts if config.transcripts.stdin else None,
        ),
        (*sensors, *_transcript_sensors(config)),
    )


def from_file(config: Config, file: Path, *, loop: bool, transcripts: Path | None = None) -> Selection:
    """Selects a recording, played in real time in place of camera and microphone.

    Args:
        config: Gives the settings of transcripts.
        file: The recording.
        loop: Whether to repeat it without end.
        transcripts: File of transcripts of the recording; None if there is none.

    Raises:
        SourceError: The recording or its transcripts cannot be read.
    """
    spoken: tuple[Transcript, ...] = read_transcript_file(transcripts) if transcripts else ()
    # Opened once now, so that a wrong name is an error at the start and not a source that is retried for ever.
    with MediaFile(file):
        pass
    return Selection(
        Inputs(
            media=lambda: PacedMedia(MediaFile(file, loop=loop), spoken),
            transcripts=StdinTranscripts if config.transcripts.stdin else None,
        ),
        (Sensor(kind="media", name=file.name, found=True), *_transcript_sensors(config)),
    )


def automatic(config: Config) -> Selection:
    """Selects camera and microphone if at least one of them is found, otherwise the built-in clip in a loop."""
    found = devices.find()
    if (found.cameras and config.camera.enabled) or (found.microphones and config.microphone.enabled):
        return from_devices(config)
    log.info("no camera and no microphone found: showing the built-in clip (a real photograph, an artificial voice)")
    return from_file(config, clip.path(), loop=True, transcripts=clip.transcripts())


def _transcript_sensors(config: Config) -> tuple[Sensor, ...]:
    sources = [("topic", config.transcripts.topic), ("standard input", config.transcripts.stdin)]
    return tuple(Sensor(kind="transcripts", name=name, found=True) for name, wanted in sources if wanted)


def _camera_sensor(settings: Camera, found_devices: Devices) -> Sensor:
    # The address of a stream may contain a password, and `info` is public.
    name = masked(str(settings.source))
    if not settings.enabled:
        return Sensor(kind="camera", name=name, found=False, why="off")
    if settings.source == "auto":
        if not found_devices.cameras:
            return Sensor(kind="camera", name=name, found=False, why="no camera found")
        return Sensor(kind="camera", name=found_devices.cameras[0].name, found=True)
    if name.startswith("/") and not Path(name).exists():
        return Sensor(kind="camera", name=name, found=False, why="not there")
    return Sensor(kind="camera", name=name, found=True)


def _microphone_sensor(settings: MicrophoneSettings, found_devices: Devices) -> Sensor:
    name = str(settings.device)
    if not settings.enabled:
        return Sensor(kind="microphone", name=name, found=False, why="off")
    if not found_devices.microphones:
        return Sensor(kind="microphone", name=name, found=False, why="no microphone found")
    fitting = [m for m in found_devices.microphones if name in ("auto", str(m.index)) or name.lower() in m.name.lower()]
    if not fitting:
        return Sensor(kind="microphone", name=name, found=False, why="not among those found")
    return Sensor(kind="microphone", name=fitting[0].name, found=True)
