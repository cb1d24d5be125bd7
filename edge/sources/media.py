"""Media files: picture and sound on their own time stamps, over PyAV."""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from edge.errors import MissingExtraError, SourceEnded, SourceError
from edge.observation import AudioChunk, Frame
from edge.sources.base import Opened

log = logging.getLogger(__name__)

RATE: Final = 16_000
MAX_SIDE: Final = 640
"""Larger pictures are scaled down while they are converted: faces are found at a fraction of it."""

_WINDOW_S: Final = 0.5
"""How far picture and sound may lie apart in the file and still come out in the order of their times."""


class MediaFile(Opened):
    """Gives `Frame` and `AudioChunk` in the order of media time (seconds from the start of the file).

    Sound comes as one channel at 16 kHz, however it is stored. A file that is broken in the middle gives what can be
    decoded.
    """

    def __init__(self, path: Path, *, loop: bool = False, max_side: int = MAX_SIDE) -> None:
        """`loop`: start again at the end, with times that go on growing."""
        self.name = f"file {path}"
        self.has_video = self.has_audio = False
        self.duration = 0.0
        """Seconds, as the file says; known from `open` on."""
        self.errors = 0
        """Packets that could not be decoded."""
        self._path = path
        self._loop = loop
        self._max_side = max_side
        self._container: Any = None
        self._items: Iterator[Frame | AudioChunk] = iter(())
        self._offset = 0.0
        self._end = 0.0
        self._sequence = 0
        self._closed = False

    @property
    def rounds_start(self) -> float:
        """Where the present round of a loop began, in the times that are handed out (seconds)."""
        return self._offset

    def open(self) -> None:
        """Raises `SourceError` for what is no media file, `MissingExtraError` without PyAV."""
        try:
            import av
        except ImportError as error:
            raise MissingExtraError("reading media files", "media") from error
        path = self._path
        if not path.is_file():
            raise SourceError(f"file {path}: {'not a file' if path.exists() else 'no such file'}")
        if not path.stat().st_size:
            raise SourceError(f"file {path} is empty")
        try:
            self._container = av.open(str(path), metadata_errors="ignore")
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"file {path} is no media file that can be read: {_reason(error)}") from error
        streams = self._container.streams
        self.has_video, self.has_audio = bool(streams.video), bool(streams.audio)
        if not (self.has_video or self.has_audio):
            self.close()
            raise SourceError(f"file {path} has neither picture nor sound")
        self.duration = (self._container.duration or 0) / 1_000_000
        self._closed = False
        self._items = self._ordered()

    def read(self) -> Frame | AudioChunk:
        """The next item. Raises `SourceEnded` after the last."""
        while not self._closed:
            item = next(self._items, None)
            if item is not None:
                return item
            if not self._loop or self._end <= self._offset:
                break
            self._offset = self._end
            self._container.close()
            self.open()
        raise SourceEnded(f"{self.name} is at its end")

    def close(self) -> None:
        """Frees the file."""
        self._closed = True
        if self._container is not None:
            self._container.close()
            self._container = None

    def _ordered(self) -> Iterator[Frame | AudioChunk]:
        """Sorts what the packets give; sound and picture are interleaved but for a fraction of a second."""
        heap: list[tuple[float, int, Frame | AudioChunk]] = []
        newest = 0.0
        for count, item in enumerate(self._decoded()):
            heapq.heappush(heap, (item.captured_at, count, item))
            newest = max(newest, item.captured_at)
            # With one stream there is nothing to wait for.
            while heap and (not (self.has_video and self.has_audio) or heap[0][0] < newest - _WINDOW_S):
                yield self._numbered(heapq.heappop(heap)[2])
        while heap:
            yield self._numbered(heapq.heappop(heap)[2])

    def _numbered(self, item: Frame | AudioChunk) -> Frame | AudioChunk:
        if isinstance(item, AudioChunk):
            self._end = max(self._end, item.captured_at + item.duration)
            return item
        self._end = max(self._end, item.captured_at)
        self._sequence += 1
        return Frame(item.image, item.captured_at, self._sequence - 1)

    def _decoded(self) -> Iterator[Frame | AudioChunk]:
        import av

        container = self._container
        streams = [*container.streams.video[:1], *container.streams.audio[:1]]
        for stream in streams:
            # One thread: the same output every time, and the other cores are the senses'.
            stream.thread_type = "NONE"
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        start = (container.start_time or 0) / 1_000_000
        sound = _SoundClock()
        packets = container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                decoded = packet.decode()
            except (av.FFmpegError, ValueError) as error:
                self.errors += 1
                if self.errors == 1:
                    log.warning("%s is damaged: %s; going on with what can be read", self.name, _reason(error))
                if isinstance(error, av.EOFError):
                    break
                if self.errors > 1000:
                    raise SourceError(f"{self.name} is too damaged to go on") from error
                continue
            for raw in decoded:
                if isinstance(raw, av.VideoFrame):
                    frame = self._frame(raw, start)
                    if frame is not None:
                        yield frame
                elif isinstance(raw, av.AudioFrame):
                    yield from self._chunks(resampler.resample(raw), raw, start, sound)
        if sound.next_at is not None:
            yield from self._chunks(resampler.resample(None), None, start, sound)

    def _frame(self, raw: Any, start: float) -> Frame | None:
        if raw.time is None:
            return None
        longest = max(raw.width, raw.height)
        scale = min(1.0, self._max_side / longest) if longest else 1.0
        image = raw.to_ndarray(
            format="bgr24",
            width=max(2, round(raw.width * scale)),
            height=max(2, round(raw.height * scale)),
        )
        return Frame(np.ascontiguousarray(image), self._offset + max(0.0, float(raw.time) - start))

    def _chunks(self, frames: list[Any], raw: Any, start: float, clock: _SoundClock) -> Iterator[AudioChunk]:
        at = float(raw.time) - start if raw is not None and raw.time is not None else None
        for frame in frames:
            samples = frame.to_ndarray().reshape(-1).astype(np.float32, copy=False)
            if len(samples):
                yield AudioChunk(samples, RATE, self._offset + clock.stamp(at, len(samples) / RATE))


class _SoundClock:
    """Times of sound by counting samples, which is exact; by the file's stamps only where these jump."""

    _JUMP_S: Final = 0.1

    def __init__(self) -> None:
        self.next_at: float | None = None

    def stamp(self, said: float | None, duration: float) -> float:
        if self.next_at is None or (said is not None and abs(said - self.next_at) > self._JUMP_S):
            self.next_at = max(0.0, said or 0.0)
        at = self.next_at
        self.next_at += duration
        return at


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip().rstrip(".") or type(error).__name__
