"""A recording in real time: what `run --source FILE` looks at and listens to."""

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

_LATE_S: Final = 0.1
"""A frame that is later than this is skipped, as a camera would have dropped it."""
_BLIND_S: Final = 0.5
"""After so much skipped film a late frame is handed out nevertheless: a machine too slow for the file still sees."""


class PacedMedia(Opened):
    """Hands out a file's items when their time has come, stamped with monotonic time.

    Late frames are skipped, which the next one's `sequence` shows; sound and transcripts never are.
    """

    def __init__(
        self,
        media: MediaFile,
        transcripts: Sequence[Transcript] = (),
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        """`transcripts`: what is said in the file, in media time; said again in each round of a loop.

        `clock` (seconds) and `wait` (for an event, at most so many seconds; whether it came) are real time's.
        """
        self.name = media.name
        self._media = media
        self._spoken = sorted(transcripts, key=lambda transcript: transcript.captured_at)
        self._pending: list[Transcript] = []
        self._held: Frame | AudioChunk | None = None
        self._round = 0.0
        self._started = self._seen = 0.0
        self._clock, self._wait = clock, wait
        self._stop = threading.Event()

    @property
    def has_video(self) -> bool:
        """Known once open."""
        return self._media.has_video

    @property
    def has_audio(self) -> bool:
        """Known once open."""
        return self._media.has_audio

    @property
    def refused(self) -> int:
        """As the file counts."""
        return self._media.refused

    def open(self) -> None:
        """Raises what `MediaFile.open` raises."""
        self._stop.clear()
        self._media.open()
        self._pending = list(self._spoken)
        self._held, self._round = None, 0.0
        self._started = self._seen = self._clock()

    def read(self) -> Frame | AudioChunk | Transcript:
        """Waits for the next item's time. Raises `SourceEnded` at the end or when closed."""
        while True:
            item = self._next()
            due = self._started + item.captured_at
            # Sound is there once its last sample is.
            ready = due + item.duration if isinstance(item, AudioChunk) else due
            if self._stop.is_set() or self._wait(self._stop, max(0.0, ready - self._clock())):
                raise SourceEnded(f"{self.name} was closed")
            if isinstance(item, Frame):
                if self._clock() - due > _LATE_S and due - self._seen < _BLIND_S:
                    continue
                self._seen = due
            return replace(item, captured_at=due)

    def close(self) -> None:
        """Ends a waiting `read` and frees the file."""
        self._stop.set()
        self._media.close()

    def _next(self) -> Frame | AudioChunk | Transcript:
        """The next item in media time. Raises `SourceEnded` when file and transcripts are through."""
        try:
            item = self._held or self._media.read()
        except SourceEnded:
            if self._pending and not self._stop.is_set():
                return self._pending.pop(0)
            raise
        self._held = None
        if self._media.rounds_start > self._round:
            self._round = self._media.rounds_start
            self._pending += [replace(said, captured_at=said.captured_at + self._round) for said in self._spoken]
            self._pending.sort(key=lambda said: said.captured_at)
        if self._pending and self._pending[0].captured_at <= item.captured_at:
            self._held = item
            return self._pending.pop(0)
        return item
