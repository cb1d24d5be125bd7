"""Plays a recording in real time as the camera and microphone of `run --source FILE`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from edge.errors import SourceEnded
from edge.observation import AudioChunk, Frame, Transcript
from edge.sources.base import Opened
from edge.sources.media import MediaFile

_MAX_LATE_S: Final = 0.1
"""Delay in seconds above which a frame is skipped, as a camera would have dropped it."""
_MAX_SKIPPED_S: Final = 0.5
"""Seconds of skipped video after which a late frame is delivered anyway, so that a slow machine still gets frames."""


class PacedMedia(Opened):
    """Delivers the items of a file when they are due, stamped with monotonic time.

    Late frames are skipped, which shows as a gap in `sequence`. Audio and transcripts are never skipped.
    """

    def __init__(
        self,
        media: MediaFile,
        transcripts: Sequence[Transcript] = (),
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        """Prepares a file without opening it.

        Args:
            media: The file.
            transcripts: Transcripts of the file in media time, which are repeated in each round of a loop.
            clock: Returns the time in seconds; replaceable for tests.
            wait: Waits for an event for at most the given seconds and returns whether it is set; replaceable for tests.
        """
        self.name = media.name
        self._media = media
        self._transcripts = sorted(transcripts, key=lambda transcript: transcript.captured_at)
        self._pending: list[Transcript] = []
        self._next_item: Frame | AudioChunk | None = None
        self._round = 0.0
        self._started = self._last_shown = 0.0
        self._clock, self._wait = clock, wait
        self._stop = threading.Event()

    @property
    def has_video(self) -> bool:
        """Whether the file has video; valid after `open`."""
        return self._media.has_video

    @property
    def has_audio(self) -> bool:
        """Whether the file has audio; valid after `open`."""
        return self._media.has_audio

    @property
    def refused(self) -> int:
        """Number of packets and images of the file that could not be decoded completely."""
        return self._media.refused

    def open(self) -> None:
        """Opens the file; raises the errors of `MediaFile.open`."""
        self._stop.clear()
        self._media.open()
        self._pending = list(self._transcripts)
        self._next_item, self._round = None, 0.0
        self._started = self._last_shown = self._clock()

    def read(self) -> Frame | AudioChunk | Transcript:
        """Waits until the next item is due and returns it. Raises `SourceEnded` at the end or when closed."""
        while True:
            item = self._next()
            due = self._started + item.captured_at
            # A chunk is complete when its last sample is.
            ready = due + item.duration if isinstance(item, AudioChunk) else due
            if self._stop.is_set() or self._wait(self._stop, max(0.0, ready - self._clock())):
                raise SourceEnded(f"{self.name} was closed")
            if isinstance(item, Frame):
                if self._clock() - due > _MAX_LATE_S and due - self._last_shown < _MAX_SKIPPED_S:
                    continue
                self._last_shown = due
            return replace(item, captured_at=due)

    def close(self) -> None:
        """Ends a waiting `read` and releases the file."""
        self._stop.set()
        self._media.close()

    def _next(self) -> Frame | AudioChunk | Transcript:
        """Returns the next item in media time. Raises `SourceEnded` at the end of file and transcripts."""
        try:
            item = self._next_item or self._media.read()
        except SourceEnded:
            if self._pending and not self._stop.is_set():
                return self._pending.pop(0)
            raise
        self._next_item = None
        if self._media.rounds_start > self._round:
            self._round = self._media.rounds_start
            self._pending += [
                replace(transcript, captured_at=transcript.captured_at + self._round)
                for transcript in self._transcripts
            ]
            self._pending.sort(key=lambda transcript: transcript.captured_at)
        if self._pending and self._pending[0].captured_at <= item.captured_at:
            self._next_item = item
            return self._pending.pop(0)
        return item
