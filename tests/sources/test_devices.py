"""The list of devices, on a machine that has none, and on one whose kernel answers are known."""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
from pathlib import Path
from types import ModuleType

import pytest

from edge.commands import devices as command
from edge.extras import install_command
from edge.sources import devices, picamera, v4l2
from edge.sources.devices import CameraDevice, Devices, MicrophoneDevice
from edge.sources.fake_hardware import FakeDevice, fake_picamera2, fake_pyaudio

CAPTURE, METADATA, STREAMING, M2M = 0x1, 0x00800000, 0x04000000, 0x8000
OF_THIS_NODE = 0x80000000


def answer(driver: str, card: str, bus: str, whole: int, node: int) -> bytes:
    """A `struct v4l2_capability`, field by field as <linux/videodev2.h> has it."""
    return struct.pack("=16s32s32sIII3I", driver.encode(), card.encode(), bus.encode(), 0x060100, whole, node, 0, 0, 0)


@pytest.mark.parametrize(
    ("said", "camera", "usb"),
    [
        # A webcam's first node, and its second, which gives metadata while the hardware as a whole captures.
        (
            answer("uvcvideo", "HD Webcam", "usb-1.2", CAPTURE | METADATA | OF_THIS_NODE, CAPTURE | STREAMING),
            True,
            True,
        ),
        (answer("uvcvideo", "HD Webcam", "usb-1.2", CAPTURE | METADATA | OF_THIS_NODE, METADATA), False, True),
        # An old driver that does not report the node's capabilities.
        (answer("em28xx", "TV card", "usb-1.1", CAPTURE, 0), True, True),
        # A Pi's video encoder, its image processor and its raw sensor.
        (answer("bcm2835-codec", "bcm2835-codec-encode", "platform:x", M2M | OF_THIS_NODE, M2M), False, False),
        (answer("bcm2835-isp", "bcm2835-isp", "platform:x", CAPTURE | OF_THIS_NODE, CAPTURE), False, False),
        (answer("unicam", "unicam", "platform:x", CAPTURE | OF_THIS_NODE, CAPTURE), False, False),
        # A loopback device.
        (answer("v4l2 loopback", "Dummy", "platform:v4l2loopback-000", CAPTURE | OF_THIS_NODE, CAPTURE), True, False),
    ],
)
def test_kernel_capabilities_separate_cameras_from_other_nodes(said: bytes, camera: bool, usb: bool) -> None:
    assert len(said) == 104
    device = v4l2.parse_capability(Path("/dev/video0"), said)
    assert (device.camera, device.usb) == (camera, usb)


def test_names_end_at_their_zero_byte() -> None:
    said = answer("uvcvideo", "USB Kamera für alle", "usb-1", CAPTURE, 0)
    assert v4l2.parse_capability(Path("/dev/video0"), said).name == "USB Kamera für alle"


def test_devices_are_sorted_by_number_and_other_files_ignored(tmp_path: Path) -> None:
    for name in ("video10", "video2", "video", "video-old", "videoX"):
        (tmp_path / name).touch()
    found = v4l2.video_devices(tmp_path, tmp_path)
    assert [device.path.name for device in found] == ["video2", "video10"]
    # The kernel refuses the query for a regular file.
    assert [device.camera for device in found] == [False, False]
    assert all(device.fault for device in found)


def test_a_camera_that_may_not_be_opened_is_listed_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "video0").touch()
    (tmp_path / "system" / "video0").mkdir(parents=True)
    (tmp_path / "system" / "video0" / "name").write_text("HD Webcam\n")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    (device,) = v4l2.cameras(tmp_path, tmp_path / "system")
    assert device.name == "HD Webcam"
    monkeypatch.setitem(sys.modules, "pyaudio", fake_pyaudio())
    found = devices.find(tmp_path, tmp_path / "system")
    assert [camera.name for camera in found.cameras] == ["HD Webcam"]
    assert any("video0: no permission: join the group video" in hint for hint in found.hints)


def test_a_usb_camera_comes_before_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {
        "video0": answer("tegra-video", "vi-output, imx219", "platform:tegra", CAPTURE, 0),
        "video1": answer("uvcvideo", "HD Webcam", "usb-1", CAPTURE, 0),
    }
    for name in known:
        (tmp_path / name).touch()
    monkeypatch.setattr(v4l2, "_query", lambda path, _: v4l2.parse_capability(path, known[path.name]))
    assert [device.path.name for device in v4l2.cameras(tmp_path, tmp_path)] == ["video1", "video0"]


def bare(monkeypatch: pytest.MonkeyPatch, pyaudio: ModuleType | None, picamera2: ModuleType | None = None) -> None:
    monkeypatch.setitem(sys.modules, "pyaudio", pyaudio)
    monkeypatch.setitem(sys.modules, picamera.MODULE, picamera2)


def test_no_devices_is_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch, fake_pyaudio(default=None))
    found = devices.find(tmp_path, tmp_path)
    assert (found.cameras, found.microphones) == ((), ())
    assert any(hint.startswith("no camera: plug one in") for hint in found.hints)
    assert any(hint.startswith("no microphone: plug one in") for hint in found.hints)


def test_missing_packages_are_named_with_their_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare(monkeypatch, None)
    monkeypatch.setattr(devices, "find_spec", lambda _: None)
    hints = "\n".join(devices.find(tmp_path, tmp_path).hints)
    for extra in ("microphone", "media", "keywords"):
        assert install_command(extra) in hints


def test_a_failing_sound_system_is_not_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("pyaudio")

    def fail() -> None:
        raise OSError("Unanticipated host error")

    module.PyAudio = fail  # type: ignore[attr-defined]
    bare(monkeypatch, module)
    assert "no microphone: PortAudio cannot be used: Unanticipated host error" in devices.find(tmp_path, tmp_path).hints


def test_a_pi_camera_and_microphones_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = fake_pyaudio(
        FakeDevice("speaker", channels=()), FakeDevice("array", (48_000,), (1, 4)), FakeDevice("webcam"), default=2
    )
    bare(monkeypatch, sound, fake_picamera2(models=("imx708", "imx219")))
    found = devices.find(tmp_path, tmp_path)
    assert found.cameras == (CameraDevice("auto", "imx708", "picamera2"), CameraDevice("auto", "imx219", "picamera2"))
    # The default comes first because `auto` uses it.
    assert found.microphones == (MicrophoneDevice(2, "webcam", 16_000, 1), MicrophoneDevice(1, "array", 48_000, 4))


def test_the_command_answers_on_any_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """On this machine, with its real devices."""
    assert command.main(argparse.Namespace(json=True)) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"cameras", "microphones", "hints"}
    assert command.main(argparse.Namespace(json=False)) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("cameras (camera.source)")
    assert printed.err == ""
    for device in found["microphones"]:
        assert device["name"] in printed.out


def test_the_table_shows_first_what_the_configuration_takes() -> None:
    found = Devices(
        (CameraDevice("/dev/video0", "HD Webcam", "opencv"),), (MicrophoneDevice(1, "webcam", 16_000, 1),), ("a hint",)
    )
    assert command.table(found).splitlines() == [
        "cameras (camera.source)",
        "  /dev/video0  HD Webcam (opencv)",
        "microphones (microphone.device)",
        "  1            webcam (16000 Hz, 1 channel)",
        "hints",
        "  a hint",
    ]
    assert command.table(Devices((), (), ())).splitlines() == [
        "cameras (camera.source): none found",
        "microphones (microphone.device): none found",
    ]
