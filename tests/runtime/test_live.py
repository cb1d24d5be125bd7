"""The live loop on fake hardware that comes, goes, fails and hangs."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.brokers import PATIENCE
from support.media_files import remux
from support.running_loop import CONFIG, Running

from edge import clip
from edge.config import Config, Face, Health
from edge.errors import SourceEnded, SourceError
from edge.health import catalogue
from edge.observation import AudioChunk, Frame, Transcript
from edge.runtime import senses, soak
from edge.runtime.feeds import Inputs
from edge.sources.base import Opened
from edge.sources.fake import FakeCamera, FakeMicrophone
from edge.sources.media import MediaFile
from edge.sources.paced import PacedMedia
from edge.sources.transcripts import StdinTranscripts


@pytest.fixture(scope="module")
def loaded() -> senses.Senses:
    return senses.build(CONFIG)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """The first two seconds of the clip: a smiling face."""
    with MediaFile(clip.path()) as media:
        items = [media.read() for _ in range(120)]
    return [item.image for item in items if isinstance(item, Frame)][:20]


def test_all_senses_at_once_and_an_end_with_the_file(loaded: senses.Senses) -> None:
    spoken = (Transcript("I am so happy to see you!", 2.0),)
    with Running(loaded, Inputs(media=lambda: PacedMedia(MediaFile(clip.path()), spoken))) as running:
        running.until(lambda: running.ended, "the end of the clip ends the loop")
    assert running.recorder.senses() == {"face", "voice", "words"}
    assert running.alive > 20
    assert "happiness" in {estimate.label for estimate in running.recorder.estimates}
    times = [estimate.captured_at for estimate in running.recorder.estimates]
    assert times == sorted(times)
    # Captured before it arrives, and by the same clock: hours apart if one of them were another.
    assert min(running.recorder.delays) > 0
    assert max(running.recorder.delays) < 60


def test_a_camera_that_goes_is_named_and_found_again(loaded: senses.Senses, pictures: list[np.ndarray]) -> None:
    with Running(loaded, Inputs(camera=lambda: FakeCamera(pictures, fps=30, fails=True))) as running:
        running.until(lambda: running.recorder.missing("voice") == "microphone off", "what is not wanted is said")
        running.until(lambda: "unplugged" in (running.recorder.missing("face") or ""), "the fault is told")
        seen = len(running.recorder.observations)
        running.until(lambda: len(running.recorder.observations) > seen, "the camera is opened again")
    assert running.registry.count(catalogue.CAMERA_FAULTS) >= 1


def test_a_camera_that_is_not_there_leaves_the_other_senses(loaded: senses.Senses) -> None:
    def no_camera() -> FakeCamera:
        raise SourceError("no camera found; plug one in")

    noise = np.random.default_rng(0).normal(0, 0.01, 64_000).astype(np.float32)
    inputs = Inputs(camera=no_camera, microphone=lambda: FakeMicrophone(noise))
    with Running(loaded, inputs) as running:
        running.live.take_transcript(Transcript("I am so happy to see you!", time.monotonic()))
        running.until(lambda: running.recorder.missing("face") == "no camera found; plug one in", "what is missing")
        running.until(lambda: "words" in running.recorder.senses(), "words are still read")
        assert running.recorder.missing("voice") == "silence"


def test_a_slow_sense_sees_the_newest_frame(loaded: senses.Senses, pictures: list[np.ndarray]) -> None:
    with Running(loaded, Inputs(camera=lambda: FakeCamera(pictures * 20, fps=2000))) as running:
        running.until(lambda: running.registry.count(catalogue.FACE_FRAMES_SKIPPED) > 50, "frames are skipped")
    assert running.registry.count(catalogue.CAMERA_FRAMES) > 50


def test_a_flood_of_transcripts_is_bounded_and_counted(loaded: senses.Senses) -> None:
    with Running(loaded, Inputs(microphone=lambda: FakeMicrophone(np.zeros(160_000, np.float32)))) as running:
        for i in range(3000):
            running.live.take_transcript(Transcript(f"word {i} and so on", time.monotonic()))
        running.until(lambda: running.registry.count(catalogue.WORDS_OBSERVATIONS) > 10, "some are read")
    counts = running.registry.snapshot().counters
    assert counts[catalogue.WORDS_TRANSCRIPTS] == 3000
    assert counts[catalogue.WORDS_TRANSCRIPTS_DROPPED] > 0
    assert counts[catalogue.WORDS_OBSERVATIONS] + counts[catalogue.WORDS_TRANSCRIPTS_DROPPED] <= 3000


class HangingCamera(Opened):
    """Blocks in `read` for good; `close` frees it or, where `deaf`, does not."""

    def __init__(self, deaf: bool, released: threading.Event) -> None:
        self.name, self._deaf, self._released = "hanging camera", deaf, released

    def open(self) -> None:
        pass

    def read(self) -> Frame:
        self._released.wait(PATIENCE)
        raise SourceEnded("let go")

    def close(self) -> None:
        if not self._deaf:
            self._released.set()


QUICK = Config(face=Face(detector="haar"), health=Health(stuck_after_s=1.5))


def test_a_hanging_source_is_closed_and_reopened(loaded: senses.Senses, pictures: list[np.ndarray]) -> None:
    cameras = iter([HangingCamera(False, threading.Event())])
    inputs = Inputs(camera=lambda: next(cameras, None) or FakeCamera(pictures * 50, fps=30))
    with Running(loaded, inputs, QUICK) as running:
        running.until(lambda: "face" in running.recorder.senses(), "the camera is opened again and gives pictures")
    assert running.error is None
    assert running.registry.count(catalogue.THREADS_UNBLOCKED) == 1


def test_a_source_that_cannot_be_unblocked_ends_the_process_with_a_reason(loaded: senses.Senses) -> None:
    released = threading.Event()
    with Running(loaded, Inputs(camera=lambda: HangingCamera(True, released)), QUICK) as running:
        running.until(lambda: running.error is not None, "the loop gives up")
        released.set()
    assert "camera hangs" in str(running.error)


def test_nobody_has_to_write_on_standard_input(loaded: senses.Senses) -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb") as keyboard:
        with Running(loaded, Inputs(transcripts=lambda: StdinTranscripts(stream)), QUICK) as running:
            running.until(lambda: running.alive > 20, "more than twice the limit goes by in silence")
            keyboard.write(b"I am so happy to see you\n")
            keyboard.flush()
            running.until(lambda: "words" in running.recorder.senses(), "it is still read")
        assert running.registry.count(catalogue.THREADS_UNBLOCKED) == 0


def test_a_sense_that_fails_on_an_item_goes_on_with_the_next(loaded: senses.Senses, pictures: list[np.ndarray]) -> None:
    broken = [np.zeros((4, 4, 7), np.uint8), *pictures]
    with Running(loaded, Inputs(camera=lambda: FakeCamera(broken, fps=30))) as running:
        running.until(lambda: "face" in running.recorder.senses(), "the good pictures are read")
    assert running.registry.count(catalogue.FACE_ITEMS_FAILED) >= 1


def test_media_without_sound_names_what_is_missing(loaded: senses.Senses, tmp_path: Path) -> None:
    path = tmp_path / "mute.mkv"
    remux(clip.path(), path, only="video")
    with Running(loaded, Inputs(media=lambda: PacedMedia(MediaFile(path)))) as running:
        running.until(lambda: running.recorder.missing("voice") == "no sound in the file", "it is said")


class Unplugged:
    """A microphone that gives the sound of the clip in real time until `seconds`, then nothing, without an error."""

    name = "microphone that went"

    def __init__(self, chunks: tuple[AudioChunk, ...], seconds: float) -> None:
        self._chunks, self._seconds = chunks, seconds
        self._gone = threading.Event()

    def open(self) -> None:
        self._started = time.monotonic()
        self._next = iter(self._chunks)

    def read(self) -> AudioChunk:
        chunk = next(self._next)
        if chunk.captured_at > self._seconds:
            self._gone.wait()
            raise SourceEnded("closed")
        time.sleep(max(0.0, self._started + chunk.captured_at + chunk.duration - time.monotonic()))
        return replace(chunk, captured_at=self._started + chunk.captured_at)

    def close(self) -> None:
        self._gone.set()


def test_speech_during_the_loss_of_the_microphone_is_still_reported(loaded: senses.Senses) -> None:
    # There is speech in the clip at 1.6 s.
    microphone = Unplugged(soak.decoded(clip.path()), 1.6)
    with Running(loaded, Inputs(microphone=lambda: microphone)) as running:
        running.until(
            lambda: [seen for seen in running.recorder.observations if seen.sense == "voice" and seen.final],
            "the final comes though nothing more is heard",
        )
