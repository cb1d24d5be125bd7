"""Selection of camera and microphone, and how `info` reports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge import clip
from edge.config import Camera, Config, Microphone, Transcripts
from edge.errors import SourceError
from edge.publish.payloads import Sensor
from edge.runtime import selection
from edge.sources import devices
from edge.sources.devices import CameraDevice, Devices, MicrophoneDevice
from edge.sources.masking import masked

NOTHING = Devices((), (), ())
BOTH = Devices(
    (CameraDevice("/dev/video0", "HD Webcam", "opencv"),), (MicrophoneDevice(3, "USB Audio", 44_100, 2),), ()
)


def sensors(monkeypatch: pytest.MonkeyPatch, there: Devices, config: Config) -> dict[str, Sensor]:
    monkeypatch.setattr(devices, "find", lambda: there)
    return {sensor.kind: sensor for sensor in selection.from_devices(config).sensors}


def test_found_devices_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    told = sensors(monkeypatch, BOTH, Config())
    assert (told["camera"].name, told["camera"].found) == ("HD Webcam", True)
    assert (told["microphone"].name, told["microphone"].found) == ("USB Audio", True)


def test_missing_devices_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    told = sensors(monkeypatch, NOTHING, Config(camera=Camera(source="/dev/video97")))
    assert (told["camera"].found, told["camera"].why) == (False, "not there")
    assert (told["microphone"].found, told["microphone"].why) == (False, "no microphone found")
    told = sensors(monkeypatch, BOTH, Config(microphone=Microphone(device="studio")))
    assert (told["microphone"].found, told["microphone"].why) == (False, "not among those found")


def test_disabled_sources_are_neither_searched_nor_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    config = Config(
        camera=Camera(enabled=False), microphone=Microphone(enabled=False), transcripts=Transcripts(stdin=True)
    )
    told = sensors(monkeypatch, BOTH, config)
    assert (told["camera"].found, told["camera"].why) == (False, "off")
    chosen = selection.from_devices(config)
    assert chosen.inputs.camera is None
    assert chosen.inputs.microphone is None
    assert chosen.inputs.transcripts is not None


@pytest.mark.parametrize("address", ["rtsp://u:secret@cam/1", "rtsp://u:se/cret@x@cam/1", "http://secret@cam:80/a"])
def test_a_cameras_password_is_never_published(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    assert "cret" not in masked(address)
    told = sensors(monkeypatch, BOTH, Config(camera=Camera(source=address)))
    assert "cret" not in repr(told)
    assert "cam" in told["camera"].name


def test_auto_takes_the_clip_only_where_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "find", lambda: NOTHING)
    assert selection.automatic(Config()).inputs.media is not None
    monkeypatch.setattr(devices, "find", lambda: BOTH)
    assert selection.automatic(Config()).inputs.media is None


def test_a_recording_that_cannot_be_read_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        selection.from_file(Config(), tmp_path / "gone.mp4", loop=False)
    (tmp_path / "said.jsonl").write_text("{")
    with pytest.raises(SourceError, match="line 1"):
        selection.from_file(Config(), clip.path(), loop=False, transcripts=tmp_path / "said.jsonl")
