"""Cameras: a real MJPEG stream over HTTP, Picamera2's stand-in, and all that is not there."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import NoReturn

import cv2
import numpy as np
import pytest

from edge import config
from edge.errors import SourceEnded, SourceError
from edge.face.sense import FaceSense
from edge.observation import Frame
from edge.sources import camera, picamera, v4l2
from edge.sources.camera import OpenCVCamera, open_camera
from edge.sources.fake_hardware import fake_picamera2
from edge.sources.picamera import PiCamera
from edge.sources.v4l2 import VideoDevice

BLUE = (200, 40, 10)


def jpeg() -> bytes:
    image = np.full((48, 64, 3), BLUE, np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


@contextmanager
def mjpeg(pictures: int, hold: bool = False, parts: Sequence[bytes] = ()) -> Iterator[str]:
    """The address of a stream of so many pictures; `hold`: it then falls silent instead of ending.

    `parts`: what stands in the stream in turn instead of one and the same whole picture.
    """
    released = threading.Event()

    class Stream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
            self.end_headers()
            turn = parts or (jpeg(),)
            try:
                for index in range(pictures):
                    part = turn[index % len(turn)]
                    head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n".encode()
                    self.wfile.write(head + part + b"\r\n")
                    if released.wait(0.01):
                        return
                if hold:
                    released.wait()
            except OSError:
                return  # the camera has been closed

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/stream.mjpg"
    finally:
        released.set()
        server.shutdown()
        server.server_close()
        serving.join()


def exhaust(source: OpenCVCamera, frames: list[Frame] | None = None) -> NoReturn:
    """`frames` get what is read."""
    while True:
        frame = source.read()
        if frames is not None:
            frames.append(frame)


def opencv(source: str | int) -> OpenCVCamera:
    return OpenCVCamera(source, 64, 48, 15)


def test_a_stream_gives_pictures_with_the_time_they_came_until_it_ends() -> None:
    with mjpeg(pictures=40) as address, opencv(address) as source:
        before = time.monotonic() - 60
        frames = [source.read() for _ in range(5)]
        assert frames[0].image.shape == (48, 64, 3)
        assert frames[0].image.dtype == np.uint8
        assert frames[0].image.mean(axis=(0, 1)) == pytest.approx(BLUE, abs=6)
        assert all(before < frame.captured_at <= time.monotonic() for frame in frames)
        sequence = [frame.sequence for frame in frames]
        assert sequence == sorted(set(sequence))
        with pytest.raises(SourceError, match=r"gave no more pictures; is the stream still on\?"):
            exhaust(source)


def test_half_broken_pictures_in_a_stream_end_nothing() -> None:
    whole = jpeg()
    rng = np.random.default_rng(5)
    damaged = bytearray(whole)
    for place in rng.integers(20, len(whole), 12):
        damaged[place] ^= 0x55
    cut, noise = whole[: len(whole) // 2], rng.bytes(300)
    with mjpeg(pictures=120, parts=(whole, cut, bytes(damaged), noise, b"")) as address, opencv(address) as source:
        frames = [source.read() for _ in range(8)]
    assert {frame.image.shape for frame in frames} == {(48, 64, 3)}
    # Eight pictures were read, each at least one whole one further on, and of five parts four are damaged.
    assert source.refused >= 7
    face = FaceSense(config.Face(detector="haar"))
    for frame in frames:
        face.look(frame)


def test_pictures_that_lack_a_part_are_counted_and_not_given() -> None:
    # Each of another brightness, so that a part left over from the one before would show.
    bright, dark = (cv2.imencode(".jpg", np.full((48, 64, 3), level, np.uint8))[1].tobytes() for level in (220, 30))
    start = dark.index(b"\xff\xda") + 14
    cut, emptied = dark[: (start + len(dark)) // 2], dark[:start] + b"\xff\xd9"
    with mjpeg(pictures=40, parts=(bright, cut, bright, emptied)) as address, opencv(address) as source:
        frames: list[Frame] = []
        with pytest.raises(SourceError, match=r"gave no more pictures"):
            exhaust(source, frames)
    assert source.refused == 20
    assert all(frame.image.min() > 200 for frame in frames)
    # Damage leaves no gap: it is told by its own count.
    assert frames[-1].sequence == 19


def test_a_stream_of_only_damaged_pictures_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_TIMEOUT_MS", 200)
    whole = jpeg()
    with (
        mjpeg(pictures=10_000, parts=(whole[: len(whole) * 3 // 4],)) as address,
        opencv(address) as source,
        pytest.raises(SourceError, match=r"gives no pictures that can be read"),
    ):
        source.read()
    # Every part that came was damaged, and 200 ms brought more than one.
    assert source.refused > 1
    assert source._taken == 0


class Capture:
    """A capture of which each read fails (False) or gives a picture (True), in turn."""

    def __init__(self, reads: Sequence[bool]) -> None:
        self._reads = iter(reads)
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def get(self, _property: int) -> float:
        return 0.0

    def read(self) -> tuple[bool, np.ndarray | None]:
        return (True, np.zeros((48, 64, 3), np.uint8)) if next(self._reads, False) else (False, None)

    def release(self) -> None:
        self.released = True


def test_failures_count_as_an_end_only_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten failures, and a picture: that, time and again, is a poor camera and no end. Eleven are one."""
    capture = Capture(([False] * 10 + [True]) * 3 + [False] * 11 + [True])
    source = opencv(0)
    monkeypatch.setattr(source, "_open_capture", lambda: capture)
    with source, pytest.raises(SourceError, match="gave no more pictures"):
        exhaust(source)
    assert source._taken == 3
    assert source.refused == 30
    assert capture.released


def test_a_camera_that_comes_back_may_fail_as_often_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = opencv(0)
    for outage in (1, 2):
        capture = Capture([True] + [False] * 10 + [True] + [False] * 11)
        monkeypatch.setattr(source, "_open_capture", lambda capture=capture: capture)
        with source, pytest.raises(SourceError, match="gave no more pictures"):
            exhaust(source)
        assert (source._taken, source.refused) == (2, 10 * outage)


def test_a_slow_reader_sees_the_newest_picture_and_the_gap() -> None:
    with mjpeg(pictures=200, hold=True) as address, opencv(address) as source:
        first = source.read()
        for _ in range(1000):
            time.sleep(0.05)
            frame = source.read()
            if frame.sequence > first.sequence + 1:
                return
            first = frame
    pytest.fail("no picture was ever skipped")


def test_closing_ends_a_read_that_waits_and_the_camera_opens_again() -> None:
    with mjpeg(pictures=3, hold=True) as address:
        source = opencv(address)
        source.open()
        source.read()
        ended = threading.Event()

        def look() -> None:
            try:
                while True:
                    source.read()
            except SourceEnded:
                ended.set()

        looking = threading.Thread(target=look)
        looking.start()
        source.close()
        looking.join(30)
        assert ended.is_set()
        with source:
            # The newest of the three; it counts anew.
            assert source.read().sequence < 3


def test_an_address_where_nobody_listens_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SourceError, match=r"cannot be opened; is the address right") as refused:
        opencv(f"http://user:secret@127.0.0.1:{port}/").open()
    assert "secret" not in str(refused.value)


def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_TIMEOUT_MS", 500)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(SourceError, match=r"cannot be opened; is the address right"),
    ):
        opencv(f"http://127.0.0.1:{silent.getsockname()[1]}/").open()


def test_a_device_that_is_not_there_is_named() -> None:
    with pytest.raises(SourceError, match=r"camera /dev/video250 is not there; `edge-emotion devices`"):
        opencv("/dev/video250").open()
    with pytest.raises(SourceError, match=r"camera 250 cannot be opened; is it plugged in"):
        opencv(250).open()


def film(path: Path, pictures: int = 8, size: tuple[int, int] = (128, 72)) -> Path:
    """A file, which OpenCV opens as it opens a device."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15, size)
    assert writer.isOpened()
    for _ in range(pictures):
        writer.write(np.full((size[1], size[0], 3), BLUE, np.uint8))
    writer.release()
    return path


def test_pictures_larger_than_asked_for_are_scaled_down_in_their_proportions(tmp_path: Path) -> None:
    path = film(tmp_path / "film.avi")
    for wanted, shape in {(64, 48): (36, 64, 3), (300, 36): (36, 64, 3), (640, 480): (72, 128, 3)}.items():
        with OpenCVCamera(str(path), *wanted, 15) as source:
            image = source.read().image
            assert (image.shape, image.dtype) == (shape, np.uint8)
            assert image.mean(axis=(0, 1)) == pytest.approx(BLUE, abs=6)


def test_a_lost_camera_is_reported_and_can_be_reopened(tmp_path: Path) -> None:
    source = opencv(str(film(tmp_path / "film.avi")))
    for _ in range(2):
        with source, pytest.raises(SourceError, match=r"gave no more pictures; is it still plugged in\?"):
            exhaust(source)


def test_automatic_passes_over_a_device_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken").touch()
    works = film(tmp_path / "film.avi")
    found = [VideoDevice(path, "webcam", camera=True) for path in (tmp_path / "broken", works, tmp_path / "last")]
    monkeypatch.setattr(v4l2, "cameras", lambda: tuple(found))
    with open_camera(config.Camera(backend="opencv")) as source:  # type: ignore[attr-defined]
        assert source.name == f"camera {works}"
        assert source.read().image.shape == (72, 128, 3)


def test_a_file_that_is_not_a_camera_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("no camera", "utf-8")
    with pytest.raises(SourceError, match="cannot be opened"):
        opencv(str(path)).open()


def test_a_pipeline_needs_an_opencv_with_gstreamer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "_has_gstreamer", lambda: False)
    with pytest.raises(SourceError, match=r"this OpenCV has no GStreamer; use the system's"):
        opencv("videotestsrc ! appsink").open()
    with pytest.raises(SourceError, match=r"this OpenCV has no GStreamer"):
        opencv("rtspsrc location=rtsp://robot/camera!decodebin!appsink").open()


def test_gstreamer_support_is_read_from_opencvs_build() -> None:
    assert camera._has_gstreamer(lambda: "    GStreamer:                   YES (1.22.0)")
    assert not camera._has_gstreamer(lambda: "    FFMPEG:  YES\n    GStreamer:                   NO")


@pytest.fixture
def pi(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = fake_picamera2(frames=3)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    monkeypatch.setattr(picamera, "_TIMEOUT_S", 0.3)
    return module


def test_automatic_takes_the_pi_camera_then_the_first_device(pi: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    webcam = VideoDevice(Path("/dev/video4"), "webcam", camera=True)
    monkeypatch.setattr(v4l2, "cameras", lambda: (webcam,))
    assert open_camera(config.Camera()).name == "Pi camera"
    assert open_camera(config.Camera(backend="opencv")).name == "camera /dev/video4"
    assert open_camera(config.Camera(source="/dev/video7")).name == "camera /dev/video7"
    monkeypatch.setattr(pi.Picamera2, "models", ())
    assert open_camera(config.Camera()).name == "camera /dev/video4"
    with pytest.raises(SourceError, match="no Pi camera"):
        open_camera(config.Camera(backend="picamera2"))


def test_automatic_without_any_camera_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    monkeypatch.setattr(v4l2, "cameras", tuple)
    with pytest.raises(SourceError, match=r"no camera found .*plug one in"):
        open_camera(config.Camera())


def test_the_pi_camera_gives_the_sensors_time_and_frees_every_picture(pi: ModuleType) -> None:
    before = time.monotonic()
    with PiCamera(32, 24, 15) as source:
        frames = [source.read() for _ in range(3)]
        # Of another type than the stamp's clock, hence the room for rounding.
        assert all(before - 1e-3 <= frame.captured_at <= time.monotonic() for frame in frames)
        assert [frame.sequence for frame in frames] == [0, 1, 2]
        assert [frame.image[0, 0].tolist() for frame in frames] == [[1, 0, 0], [2, 0, 0], [3, 0, 0]]
        assert frames[0].image.shape == (24, 32, 3)
        with pytest.raises(SourceError, match=r"Pi camera gives no more pictures; is its cable"):
            source.read()
    hardware = pi.Picamera2.opened[0]
    assert all(request.released for request in hardware.requests)
    assert hardware.closed
    assert not hardware.started
    assert hardware.configuration["controls"] == {"FrameRate": 15}


def test_a_reopened_pi_camera_restarts_its_counters(pi: ModuleType) -> None:
    source = PiCamera(32, 24, 15)
    for _ in range(2):
        with source:
            assert [source.read().sequence for _ in range(3)] == [0, 1, 2]
            with pytest.raises(SourceError, match="gives no more pictures"):
                source.read()
    assert [hardware.closed for hardware in pi.Picamera2.opened] == [True, True]


def test_closing_ends_a_read_of_the_pi_camera(pi: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picamera, "_TIMEOUT_S", 60)
    monkeypatch.setattr(pi.Picamera2, "frames", 0)
    source = PiCamera(32, 24, 15)
    source.open()
    ended = threading.Event()

    def look() -> None:
        with pytest.raises(SourceEnded):
            source.read()
        ended.set()

    looking = threading.Thread(target=look)
    looking.start()
    source.close()
    looking.join(30)
    assert ended.is_set()
    assert pi.Picamera2.opened[0].closed


def test_a_pi_camera_in_use_elsewhere_is_an_error(pi: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pi.Picamera2, "busy", True)
    with pytest.raises(SourceError, match=r"Pi camera cannot be opened: .*busy; is it plugged in"):
        PiCamera(32, 24, 15).open()


def test_without_picamera2_there_is_no_pi_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    assert not picamera.available()
    with pytest.raises(SourceError, match="no Picamera2: apt install"):
        PiCamera(32, 24, 15).open()


def test_a_picamera2_built_for_another_numpy_is_reported_without_a_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "picamera2_of_old.py").write_text('raise ValueError("numpy.dtype size changed")\n')
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(SourceError, match=r"dtype size changed.*pip install 'numpy<2'"):
        PiCamera(32, 24, 15, module="picamera2_of_old").open()
    assert not picamera.available("picamera2_of_old")
    assert "pip install 'numpy<2'" in caplog.text
