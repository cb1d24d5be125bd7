"""A recording in real time, on a clock that the test turns."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("av", reason="no PyAV here (pip install 'edge-emotion[media]')")

from support.media_files import write

from edge.errors import SourceEnded
from edge.observation import AudioChunk, Frame, Transcript
from edge.sources.media import MediaFile
from edge.sources.paced import PacedMedia


class TurnedClock:
    """Time that passes only by waiting, and by what each picture costs its reader."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        self.now += seconds
        return stop.is_set()


def items(
    source: PacedMedia, clock: TurnedClock, cost: float = 0.0
) -> list[tuple[float, Frame | AudioChunk | Transcript]]:
    """What comes, with the time when it came; each item costs its reader `cost` seconds."""
    found: list[tuple[float, Frame | AudioChunk | Transcript]] = []
    with source:
        while True:
            try:
                item = source.read()
            except SourceEnded:
                return found
            found.append((clock.now, item))
            clock.now += cost


def test_items_come_when_they_have_been_seen_and_heard_and_say_when_they_were(tmp_path: Path) -> None:
    clock = TurnedClock()
    path = write(tmp_path / "clip.mkv", video_s=1, audio_s=1, audio_codec="pcm_s16le")
    came = items(PacedMedia(MediaFile(path), (), clock, clock.wait), clock)
    assert all(at >= item.captured_at for at, item in came)
    assert [item.captured_at for _, item in came if isinstance(item, Frame)] == pytest.approx(
        [1000 + number / 10 for number in range(10)], abs=2e-3
    )
    for at, item in came:
        if isinstance(item, AudioChunk):
            assert at >= item.captured_at + item.duration - 1e-6


def test_words_at_and_beyond_the_end_are_still_said(tmp_path: Path) -> None:
    clock = TurnedClock()
    path = write(tmp_path / "clip.mkv", video_s=1)
    said = (Transcript("beyond", 5.0), Transcript("amid", 0.45), Transcript("at the end", 1.0))
    came = items(PacedMedia(MediaFile(path), said, clock, clock.wait), clock)
    words = [(item.text, item.captured_at) for _, item in came if isinstance(item, Transcript)]
    assert words == [("amid", 1000.45), ("at the end", 1001.0), ("beyond", 1005.0)]
    order = [item.captured_at for _, item in came]
    assert order == sorted(order)


def test_a_machine_too_slow_for_the_film_sees_a_picture_now_and_then_and_hears_all(tmp_path: Path) -> None:
    clock = TurnedClock()
    path = write(tmp_path / "clip.mkv", video_s=6, audio_s=6, audio_codec="pcm_s16le")
    paced = PacedMedia(MediaFile(path), (), clock, clock.wait)
    came = items(paced, clock, cost=0.1)
    heard = sum(len(item.samples) for _, item in came if isinstance(item, AudioChunk))
    assert heard == pytest.approx(6 * 16_000, abs=64)
    seen = [item.captured_at for _, item in came if isinstance(item, Frame)]
    assert 5 < len(seen) < 30
    # Pictures keep their numbers in the film, so that a gap reveals the skipped ones.
    numbers = [item.sequence for _, item in came if isinstance(item, Frame)]
    assert [number / 10 for number in numbers] == pytest.approx([at - 1000 for at in seen], abs=2e-3)
    assert max(after - before for before, after in pairwise(seen)) <= 0.61


def test_closing_frees_the_file_and_it_can_be_played_again(tmp_path: Path) -> None:
    clock = TurnedClock()
    media = MediaFile(write(tmp_path / "clip.mkv", video_s=1))
    paced = PacedMedia(media, (), clock, clock.wait)
    first = [item.captured_at - 1000 for _, item in items(paced, clock)]
    with pytest.raises(SourceEnded):
        media.read()
    started = clock.now
    again = [item.captured_at - started for _, item in items(paced, clock)]
    assert again == pytest.approx(first)


def test_a_picture_late_by_more_than_a_tenth_of_a_second_is_skipped_and_no_other(tmp_path: Path) -> None:
    clock = TurnedClock()
    paced = PacedMedia(MediaFile(write(tmp_path / "clip.mkv", video_s=1)), (), clock, clock.wait)
    with paced:
        assert paced.read().sequence == 0  # type: ignore[union-attr]
        # The second picture was due 0.15 s ago then, the third 0.05 s.
        clock.now += 0.25
        assert [paced.read().sequence for _ in range(3)] == [2, 3, 4]  # type: ignore[union-attr]


def test_each_transcript_of_a_film_is_given_once_in_each_round_of_a_loop(tmp_path: Path) -> None:
    clock = TurnedClock()
    media = MediaFile(write(tmp_path / "clip.mkv", video_s=1), loop=True)
    with PacedMedia(media, (Transcript("hello", 0.45),), clock, clock.wait) as paced:
        came = [paced.read() for _ in range(38)]
    said = [item.captured_at - 1000 for item in came if isinstance(item, Transcript)]
    assert said == pytest.approx([0.45, 1.45, 2.45], abs=0.01)
    order = [item.captured_at for item in came]
    assert order == sorted(order)
