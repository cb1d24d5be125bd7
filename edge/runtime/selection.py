"""What to look at and listen to: the configured devices, a recording in their place, or what is found."""

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
from edge.sources.camera import open_camera, without_password
from edge.sources.devices import Devices
from edge.sources.media import MediaFile
from edge.sources.microphone import Microphone
from edge.sources.paced import PacedMedia
from edge.sources.transcripts import StdinTranscripts, read_transcript_file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Selection:
    """The sources that will be read, and how `info` describes them."""

    inputs: Inputs
    sensors: tuple[Sensor, ...]


def from_devices(config: Config) -> Selection:
    """Camera and microphone as configured; one that is not there is looked for again and again."""
    there = devices.find()
    sensors = (_camera_sensor(config.camera, there), _microphone_sensor(config.microphone, there))
    return Selection(
        Inputs(
            camera=(lambda: open_camera(config.camera)) if config.camera.enabled else None,
            microphone=(lambda: Microphone(config.microphone)) if config.microphone.enabled else None,
            transcripts=StdinTranscripts if config.transcripts.stdin else None,
        ),
        (*sensors, *_transcript_sensors(config)),
    )


def from_file(config: Config, file: Path, *, loop: bool, transcripts: Path | None = None) -> Selection:
    """A recording in real time, in place of camera and microphone. Raises `SourceError` if it cannot be read."""
    spoken: tuple[Transcript, ...] = read_transcript_file(transcripts) if transcripts else ()
    # Opened once now, so that a wrong name is an error and not a sensor that is looked for.
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
    """Camera and microphone if there is one of them, otherwise the built-in clip in a loop."""
    found = devices.find()
    if (found.cameras and config.camera.enabled) or (found.microphones and config.microphone.enabled):
        return from_devices(config)
    log.info("no camera and no microphone found: showing the built-in clip (a real photograph, an artificial voice)")
    return from_file(config, clip.path(), loop=True, transcripts=clip.transcripts())


def _transcript_sensors(config: Config) -> tuple[Sensor, ...]:
    sources = [("topic", config.transcripts.topic), ("standard input", config.transcripts.stdin)]
    return tuple(Sensor(kind="transcripts", name=name, found=True) for name, wanted in sources if wanted)


def _camera_sensor(settings: Camera, there: Devices) -> Sensor:
    # A stream's address may hold a password, and `info` is for all to read.
    name = without_password(str(settings.source))
    if not settings.enabled:
        return Sensor(kind="camera", name=name, found=False, why="off")
    if settings.source == "auto":
        if not there.cameras:
            return Sensor(kind="camera", name=name, found=False, why="no camera found")
        return Sensor(kind="camera", name=there.cameras[0].name, found=True)
    if name.startswith("/") and not Path(name).exists():
        return Sensor(kind="camera", name=name, found=False, why="not there")
    return Sensor(kind="camera", name=name, found=True)


def _microphone_sensor(settings: MicrophoneSettings, there: Devices) -> Sensor:
    name = str(settings.device)
    if not settings.enabled:
        return Sensor(kind="microphone", name=name, found=False, why="off")
    if not there.microphones:
        return Sensor(kind="microphone", name=name, found=False, why="no microphone found")
    fitting = [m for m in there.microphones if name in ("auto", str(m.index)) or name.lower() in m.name.lower()]
    if not fitting:
        return Sensor(kind="microphone", name=name, found=False, why="not among those found")
    return Sensor(kind="microphone", name=fitting[0].name, found=True)
