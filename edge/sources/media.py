"""Media files: picture and sound on their own time stamps, over PyAV."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge.errors import MissingExtraError, SourceEnded, SourceError
from edge.observation import AudioChunk, Frame
from edge.sources.base import Opened
from edge.sources.decoders import PictureDecoder, SoundDecoder

log = logging.getLogger(__name__)

MAX_SIDE: Final = 640
"""Larger pictures are scaled down while they are converted: faces are found at a fraction of it."""

_FAILURES: Final = 20
"""So many failed attempts in a row to find a packet behind a damage, and there is none."""


class MediaFile(Opened):
    """Gives `Frame` and `AudioChunk` in the order of media time (seconds from the start of the file).

    Pictures are BGR, upright, at most `max_side` pixels wide or high; sound is one channel at 16 kHz, however it is
    stored, in chunks of 32 ms. A file that is broken in the middle gives what can be decoded; a picture that the
    decoder knows to lack a part is left out, those built upon it are not. Decoding is single-threaded: the same file
    gives the same bytes each time, and the other cores are the senses'.
    """

    def __init__(self, path: Path, *, loop: bool = False, max_side: int = MAX_SIDE) -> None:
        """`loop`: start again at the end, with times that go on growing."""
        self.name = f"file {path}"
        self.has_video = self.has_audio = False
        self.duration = 0.0
        """Seconds, as the file says, 0 where it does not; known from `open` on."""
        self.fps = 0.0
        """Pictures a second on average, as the file says; 0 without picture."""
        self.refused = 0
        """Packets and pictures that could not be decoded, or not as a whole, since `open`."""
        self._path = path
        self._loop = loop
        self._max_side = max_side
        self._containers: list[Any] = []
        self._items: Iterator[Frame | AudioChunk] = iter(())
        self._offset = 0.0
        self._end = 0.0
        self._sequence = 0
        self._closed = True
        self._using = threading.Lock()

    @property
    def rounds_start(self) -> float:
        """Where the present round of a loop began, in the times that are handed out (seconds)."""
        return self._offset

    def open(self) -> None:
        """Raises `SourceError` for what is no media file, `MissingExtraError` without PyAV."""
        self.close()
        self._offset = self._end = 0.0
        self._sequence = self.refused = 0
        with self._using:
            self._open()
            self._closed = False

    def read(self) -> Frame | AudioChunk:
        """The next item. Raises `SourceEnded` after the last, `SourceError` where damage leaves nothing to read."""
        with self._using:
            item = self._next()
            if self._closed:
                self._free()
        if item is None:
            raise SourceEnded(f"{self.name} is at its end")
        return item

    def close(self) -> None:
        """Frees the file; while another thread reads, that thread does when it is done."""
        self._closed = True
        if self._using.acquire(blocking=False):
            try:
                self._free()
            finally:
                self._using.release()

    def _free(self) -> None:
        self._items = iter(())
        containers, self._containers = self._containers, []
        for container in containers:
            container.close()

    def _next(self) -> Frame | AudioChunk | None:
        while not self._closed:
            item = next(self._items, None)
            if item is not None:
                return item
            if self.refused and self._end <= self._offset:
                raise SourceError(f"{self.name} is damaged: nothing in it can be decoded")
            if not self._loop or self._end <= self._offset:
                break
            self._offset = self._end
            self._free()
            self._open()
        return None

    def _open(self) -> None:
        try:
            import av
        except ImportError as error:
            raise MissingExtraError("reading media files", "media") from error
        path = self._path
        if not path.is_file():
            raise SourceError(f"{self.name}: {'not a file' if path.exists() else 'no such file'}")
        if not path.stat().st_size:
            raise SourceError(f"{self.name} is empty")
        try:
            # Each stream has the file to itself: how far apart they are stored in it no longer matters, and where one
            # is damaged the other is not held up.
            self._containers = [av.open(str(path), **_lenient(av.__version__)) for _ in range(2)]
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self.name} is no media file that can be read: {_reason(error)}") from error
        first, second = self._containers
        if first.format.name == "tty":
            # FFmpeg renders any text as a film.
            self._free()
            raise SourceError(f"{self.name} is no media file that can be read: it holds text")
        # The cover of a song is a picture, but not one of a person in front of a camera.
        pictures: list[Any] = [stream for stream in first.streams.video if not _is_cover(stream)]
        sounds: list[Any] = list(second.streams.audio)
        self.has_video, self.has_audio = bool(pictures), bool(sounds)
        if not (pictures or sounds):
            self._free()
            raise SourceError(f"{self.name} has neither picture nor sound")
        self.duration = (first.duration or 0) / 1_000_000
        self.fps = float(pictures[0].average_rate or 0) if pictures else 0.0
        start = (first.start_time or 0) / 1_000_000
        streams = []
        for container, stream in [(first, each) for each in pictures[:1]] + [(second, each) for each in sounds[:1]]:
            stream.thread_type = "NONE"
            streams.append(self._decoded(container, stream, start))
        self._items = map(self._placed, heapq.merge(*streams, key=lambda item: item.captured_at))

    def _placed(self, item: Frame | AudioChunk) -> Frame | AudioChunk:
        """The item at its time in a loop."""
        at = item.captured_at + self._offset
        if isinstance(item, AudioChunk):
            self._end = max(self._end, at + item.duration)
            return AudioChunk(item.samples, item.rate, at)
        self._end = max(self._end, at + (1.0 / self.fps if self.fps else 0.0))
        self._sequence += 1
        return Frame(item.image, at, self._sequence - 1)

    def _decoded(self, container: Any, stream: Any, start: float) -> Iterator[Frame | AudioChunk]:
        """All that one stream holds; `start`: time of the file's first stamp, in seconds."""
        decoder: PictureDecoder | SoundDecoder = (
            PictureDecoder(stream, start, self._max_side, self._damaged)
            if stream.type == "video"
            else SoundDecoder(stream, start, self._damaged)
        )
        for packet in self._packets(container, stream):
            yield from decoder.decode(packet)
        yield from decoder.decode(None)

    def _packets(self, container: Any, stream: Any) -> Iterator[Any]:
        import av

        packets = container.demux(stream)
        failures = 0
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, ValueError) as error:
                self._damaged(error)
                failures += 1
                if isinstance(error, av.EOFError) or failures == _FAILURES:
                    return
                # The generator has ended with its error; a new one goes on behind the damage.
                packets = container.demux(stream)
                continue
            if packet is None:
                return
            # An empty one tells the decoder to empty itself, which it is told at the end in any case.
            if packet.size:
                failures = 0
                yield packet

    def _damaged(self, error: Exception) -> None:
        self.refused += 1
        if self.refused == 1:
            log.warning("%s is damaged: %s; going on with what can be read", self.name, _reason(error))


def _is_cover(stream: Any) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip().rstrip(".") or type(error).__name__


def _lenient(version: str) -> dict[str, Any]:
    """What makes PyAV of this version open a file whose tags are not UTF-8; from 19 on it does so of itself."""
    return {"metadata_errors": "ignore"} if int(version.partition(".")[0]) < 19 else {}
