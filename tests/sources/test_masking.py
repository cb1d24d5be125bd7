"""Credentials in the name of a camera: none is disclosed, and cameras can still be distinguished."""

from __future__ import annotations

from typing import NoReturn

import cv2
import pytest

from edge import config
from edge.errors import SourceError
from edge.sources.camera import OpenCVCamera, check_source
from edge.sources.masking import masked

TABLE = {
    "auto": "auto",
    "0": "0",
    "/dev/video0": "/dev/video0",
    "rtsp://cam.local:554/live/1": "rtsp://cam.local:554/live/1",
    "https://camera/?token=SECRET": "https://camera/?token=…",
    "HTTPS://camera/a.mjpg?TOKEN=SECRET": "HTTPS://camera/a.mjpg?TOKEN=…",
    "rtsp://user:SECRET@cam:554/live/1": "rtsp://…@cam:554/live/1",
    "rtsp://SECRET@cam/1": "rtsp://…@cam/1",
    "rtsp://u:SEC/RET@SECRET@cam/1": "rtsp://…@cam/1",
    # The end of the host and the start of a secret cannot be determined.
    "http://cam/?a=b@SECRET": "http://…",
    "http://u:SEC?RET@cam/": "http://…",
    "rtsp://cam/live?user=SECRET&password=SECRET&channel=2#SECRET": "rtsp://cam/live?user=…&password=…&channel=…#…",
    "http://[::1]:8080/s.mjpg?x=SECRET;y=SECRET": "http://[::1]:8080/s.mjpg?x=…;y=…",
    "http://cam/?SECRET": "http://cam/?…",
    "http://cam/?U0VDUkVU==": "http://cam/?…",
    "http://cam/?a=SECRET?SECRET": "http://cam/?a=…",
    "http://cam/a;session=SECRET/b": "http://cam/a;session=…",
    "rtsp://cam/user=SECRET&password=SECRET&channel=1": "rtsp://cam/user=…&password=…&channel=1",
    'rtspsrc location="rtsp://u:SECRET@cam/1" user-id=SECRET user-pw="SE CRET" ! decodebin ! appsink': (
        'rtspsrc location="rtsp://…@cam/1" user-id=… user-pw=… ! decodebin ! appsink'
    ),
    "rtspsrc location=rtsp://cam/1?token=SECRET user-pw = SECRET ! appsink": (
        "rtspsrc location=rtsp://cam/1?token=… user-pw = … ! appsink"
    ),
    "souphttpsrc location=http://cam/ cookies='SECRET' ! appsink": (
        "souphttpsrc location=http://cam/ cookies=… ! appsink"
    ),
    "v4l2src device=/dev/video0 ! video/x-raw,width=640,framerate=30/1 ! appsink": (
        "v4l2src device=/dev/video0 ! video/x-raw,width=640,framerate=30/1 ! appsink"
    ),
    "cannot open 'http://cam/?a=SECRET': timed out": "cannot open 'http://cam/?a=…': timed out",
    "first http://a/?x=SECRET, then http://u:SECRET@b/": "first http://a/?x=… then http://…@b/",
}


@pytest.mark.parametrize(("source", "shown"), TABLE.items())
def test_credentials_are_masked_and_the_rest_stays(source: str, shown: str) -> None:
    assert masked(source) == shown
    assert masked(shown) == shown
    assert "SECRET" not in shown


@pytest.mark.parametrize("source", [source for source in TABLE if "SECRET" in source])
def test_neither_name_nor_errors_of_a_camera_hold_them(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        """A capture that opens and then fails with an error that quotes its source, as OpenCV's do."""

        def isOpened(self) -> bool:  # noqa: N802
            return True

        def get(self, _property: int) -> float:
            return 0.0

        def read(self) -> NoReturn:
            raise cv2.error(f"OpenCV: cannot read {source}")

        def release(self) -> None:
            """Nothing to free."""

    camera = OpenCVCamera(source, 64, 48, 15)
    monkeypatch.setattr(camera, "_open_capture", Broken)
    with camera, pytest.raises(SourceError, match="cannot read") as failed:
        camera.read()
    assert "SECRET" not in camera.name + str(failed.value)


def test_a_source_of_unknown_form_is_refused_and_known_ones_are_not() -> None:
    for source in (
        *("auto", 0, "3", "/dev/video0", "/films/a.mp4", "./a.mp4", "rtsp://cam/1", "http://cam", "rtsps://[::1]/a"),
        "videotestsrc ! appsink",
        config.Camera().source,
    ):
        check_source(source)
    for source in ("webcam", "", "rtsp://", "-1", "rtsp:/cam", "cam:554/live"):
        with pytest.raises(SourceError, match="is none of auto, an index"):
            check_source(source)
