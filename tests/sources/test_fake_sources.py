"""The fakes that ship keep the same promises as the sources they stand for."""

from __future__ import annotations

import threading
import time
from itertools import islice, pairwise

import numpy as np
import pytest

from edge.errors import SourceEnded, SourceError
from edge.sources.fake import FakeCamera, FakeMicrophone, moving_pattern


def images(count: int) -> list[np.ndarray]:
    return [np.full((4, 6, 3), number, np.uint8) for number in range(count)]


def test_a_camera_gives_its_pictures_in_order_and_then_ends() -> None:
    camera = FakeCamera(images(3), fps=200)
    for _ in range(2):
        with camera:
            frames = [camera.read() for _ in range(3)]
            assert [frame.sequence for frame in frames] == [0, 1, 2]
            assert [int(frame.image[0, 0, 0]) for frame in frames] == [0, 1, 2]
            times = [frame.captured_at for frame in frames]
            assert times == sorted(times)
            assert times[-1] <= time.monotonic()
            with pytest.raises(SourceEnded):
                camera.read()


def test_a_camera_can_fail_after_a_number_of_pictures() -> None:
    with FakeCamera(moving_pattern(32, 24), fps=200, limit=2, fails=True) as camera:
        first, second = camera.read(), camera.read()
        assert (first.image != second.image).any()
        with pytest.raises(SourceError, match="unplugged"):
            camera.read()


def test_the_pattern_moves_from_picture_to_picture() -> None:
    pictures = list(islice(moving_pattern(64, 48), 60))
    assert {image.shape for image in pictures} == {(48, 64, 3)}
    assert {image.dtype for image in pictures} == {np.dtype(np.uint8)}
    assert all((one != two).any() for one, two in pairwise(pictures))


def test_a_microphone_gives_its_recording_whole_and_without_a_gap() -> None:
    samples = np.linspace(-1, 1, 1200, dtype=np.float32)
    with FakeMicrophone(samples) as microphone:
        chunks = [microphone.read() for _ in range(3)]
        with pytest.raises(SourceEnded):
            microphone.read()
    assert (np.concatenate([chunk.samples for chunk in chunks]) == samples).all()
    assert [len(chunk.samples) for chunk in chunks] == [512, 512, 176]
    starts = np.array([chunk.captured_at for chunk in chunks])
    assert np.diff(starts) == pytest.approx(512 / 16_000)
    # Sound is never delivered before its time.
    assert chunks[-1].captured_at + chunks[-1].duration <= time.monotonic()


def test_a_microphone_can_fail() -> None:
    with FakeMicrophone(np.zeros(100, np.float32), fails=True) as microphone:
        microphone.read()
        with pytest.raises(SourceError, match="unplugged"):
            microphone.read()


@pytest.mark.parametrize(
    "source",
    [FakeCamera(images(5), fps=0.01), FakeMicrophone(np.zeros(2_000_000, np.float32), chunk=1_000_000)],
    ids=["camera", "microphone"],
)
def test_closing_ends_a_waiting_read(source: FakeCamera | FakeMicrophone) -> None:
    source.open()
    ended = threading.Event()

    def read() -> None:
        with pytest.raises(SourceEnded):
            source.read()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    source.close()
    assert ended.wait(10)
