"""Media files: video and audio with their time stamps, read with PyAV."""

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
"""Maximum width and height of images in pixels. Larger ones are scaled down, since detection needs only a fraction."""

_MAX_FAILURES: Final = 20
"""Number of consecutive failed attempts to find a packet after damaged data, at which the stream counts as ended."""


class MediaFile(Opened):
    """Delivers `Frame` and `AudioChunk` in the order of media time (seconds from the start of the file).

    Images are upright BGR, at most `max_side` pixels wide and high. Audio is converted to mono at 16 kHz in chunks of
    32 ms. A damaged file delivers what can be decoded: an image that the decoder reports as incomplete is skipped, but
    images predicted from it are not. Decoding is single-threaded, so that the same file always gives the same bytes and
    the other cores are free for the senses.
    """

    def __init__(self, path: Path, *, loop: bool = False, max_side: int = MAX_SIDE) -> None:
        """Prepares a file without opening it.

        Args:
            path: The media file.
            loop: Whether to start again at the end, with times that keep increasing.
            max_side: Maximum width and height of the images in pixels.
        """
        self.name = f"file {path}"
        self.has_video = self.has_audio = False
        self.duration = 0.0
        """Duration in seconds as stated by the file, 0 if unknown; valid after `open`."""
        self.fps = 0.0
        """Average frame rate as stated by the file, in frames per second; 0 without video. Valid after `open`."""
        self.refused = 0
        """Number of packets and images since `open` that could not be decoded completely."""
        self._path = path
        self._loop = loop
        self._max_side = max_side
        self._containers: list[Any] = []
        self._items: Iterator[Frame | AudioChunk] = iter(())
        self._offset = 0.0
        self._end = 0.0
        self._sequence = 0
        self._closed = True
        self._lock = threading.Lock()

    @property
    def rounds_start(self) -> float:
        """Start of the current round of a loop in seconds, on the time axis of the items."""
        return self._offset

    def open(self) -> None:
        """Opens the file. Raises `SourceError` if it is not a media file, `MissingExtraError` if PyAV is missing."""
        self.close()
        self._offset = self._end = 0.0
        self._sequence = self.refused = 0
        with self._lock:
            self._open()
            self._closed = False

    def read(self) -> Frame | AudioChunk:
        """Returns the next item.

        Raises `SourceEnded` after the last one, `SourceError` if nothing in a damaged file can be decoded.
        """
        with self._lock:
            item = self._next()
            if self._closed:
                self._release()
        if item is None:
            raise SourceEnded(f"{self.name} is at its end")
        return item

    def close(self) -> None:
        """Releases the file. While another thread is in `read`, that thread releases it when it returns."""
        self._closed = True
        if self._lock.acquire(blocking=False):
            try:
                self._release()
            finally:
                self._lock.release()

    def _release(self) -> None:
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
            self._release()
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
            # Each stream has its own container, so that the distance between them in the file does not matter and
            # damage in one does not delay the other.
            self._containers = [av.open(str(path), **_open_options(av.__version__)) for _ in range(2)]
        except (av.FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{self.name} is no media file that can be read: {_reason(error)}") from error
        first, second = self._containers
        if first.format.name == "tty":
            # FFmpeg renders any text file as a video.
            self._release()
            raise SourceError(f"{self.name} is no media file that can be read: it holds text")
        # The cover art of a song is stored as a video stream.
        pictures: list[Any] = [stream for stream in first.streams.video if not _is_cover(stream)]
        sounds: list[Any] = list(second.streams.audio)
        self.has_video, self.has_audio = bool(pictures), bool(sounds)
        if not (pictures or sounds):
            self._release()
            raise SourceError(f"{self.name} has neither picture nor sound")
        self.duration = (first.duration or 0) / 1_000_000
        self.fps = float(pictures[0].average_rate or 0) if pictures else 0.0
        start = (first.start_time or 0) / 1_000_000
        streams = []
        for container, stream in [(first, each) for each in pictures[:1]] + [(second, each) for each in sounds[:1]]:
            stream.thread_type = "NONE"
            streams.append(self._decode_stream(container, stream, start))
        self._items = map(self._shifted, heapq.merge(*streams, key=lambda item: item.captured_at))

    def _shifted(self, item: Frame | AudioChunk) -> Frame | AudioChunk:
        """Returns the item with its time shifted by the rounds of a loop, and frames numbered."""
        at = item.captured_at + self._offset
        if isinstance(item, AudioChunk):
            self._end = max(self._end, at + item.duration)
            return AudioChunk(item.samples, item.rate, at)
        self._end = max(self._end, at + (1.0 / self.fps if self.fps else 0.0))
        self._sequence += 1
        return Frame(item.image, at, self._sequence - 1)

    def _decode_stream(self, container: Any, stream: Any, start: float) -> Iterator[Frame | AudioChunk]:
        """Yields all items of one stream; `start` is the first time stamp of the file in seconds."""
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
                if isinstance(error, av.EOFError) or failures == _MAX_FAILURES:
                    return
                # The generator ended with the error; a new one continues after the damaged data.
                packets = container.demux(stream)
                continue
            if packet is None:
                return
            # An empty packet would flush the decoder, which is done once at the end.
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


def _open_options(version: str) -> dict[str, Any]:
    """Returns the options with which this version of PyAV opens files whose tags are not UTF-8.

    From version 19 on PyAV opens them by default.
    """
    return {"metadata_errors": "ignore"} if int(version.partition(".")[0]) < 19 else {}
