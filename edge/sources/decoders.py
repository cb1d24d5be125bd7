"""Decodes the packets of one stream of a media file to frames or audio chunks, with PyAV."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.observation import AudioChunk, Frame
from edge.sources.orientation import UPRIGHT, Orientation, from_display_matrix

RATE: Final = 16_000
"""Sampling rate of the decoded audio in hertz."""
CHUNK: Final = 512
"""Length of an audio chunk in samples: 32 ms, like the chunks of the microphone."""

_MAX_GAP_S: Final = 0.1
"""Lead in seconds of a file's time stamp over the counted samples above which the stamp is used.

Otherwise audio is timed by counting its samples, which is exact.
"""

_DISPLAY_MATRIX: Final = struct.Struct("=9i")
"""Layout of FFmpeg's display matrix: nine fixed-point numbers in the byte order of the machine."""


class PictureDecoder:
    """Decodes a video stream to upright BGR images, scaled down to at most `max_side` pixels."""

    def __init__(self, stream: Any, start: float, max_side: int, damaged: Callable[[Exception], None]) -> None:
        """Prepares the decoder of one stream.

        Args:
            stream: A video stream of PyAV.
            start: First time stamp of the file in seconds.
            max_side: Maximum width and height of the images in pixels.
            damaged: Called with the error of each packet or image that cannot be decoded.
        """
        from av.video.reformatter import VideoReformatter

        self._stream, self._start, self._max_side, self._damaged = stream, start, max_side, damaged
        if stream.codec_context.name == "mjpeg":
            # Without this option FFmpeg fills missing parts from the previous image and reports no error.
            stream.codec_context.options = {"err_detect": "explode"}
        self._period = float(1 / stream.average_rate) if stream.average_rate else 0.04
        # One reformatter for all frames: building its tables takes longer than using them.
        self._reformatter = VideoReformatter()
        self._orientation: Orientation | None = None
        self._last = self._next_at = 0.0

    def decode(self, packet: Any) -> Iterator[Frame]:
        """Yields the frames that a packet completes; None flushes the decoder."""
        for raw in _decode_packet(self._stream, packet, self._damaged):
            # The time base is that of the stream, because flushed frames have none of their own.
            at = self._next_at if raw.pts is None else float(raw.pts * self._stream.time_base) - self._start
            # Damage can make time stamps go back; the times of frames must not.
            at = max(self._last, at)
            self._last, self._next_at = at, at + self._period
            if raw.is_corrupt:
                self._damaged(ValueError("a picture lacks a part"))
                continue
            yield Frame(self._image(raw), at)

    def _image(self, raw: Any) -> NDArray[np.uint8]:
        scale = min(1.0, self._max_side / max(raw.width, raw.height))
        converted = self._reformatter.reformat(
            raw,
            width=max(2, round(raw.width * scale)),
            height=max(2, round(raw.height * scale)),
            format="bgr24",
            interpolation="AREA",
        )
        if self._orientation is None:
            # A display matrix belongs to the stream. Reading it from every frame would keep the frames in memory until
            # the garbage collector runs, because side data and frame refer to each other.
            self._orientation = _orientation(raw)
        return self._orientation.apply(np.asarray(converted.to_ndarray(), np.uint8))


class SoundDecoder:
    """Decodes an audio stream to mono float32 at 16 kHz in chunks of 32 ms; the last chunk may be shorter."""

    def __init__(self, stream: Any, start: float, damaged: Callable[[Exception], None]) -> None:
        """Prepares the decoder of one stream.

        Args:
            stream: An audio stream of PyAV.
            start: First time stamp of the file in seconds.
            damaged: Called with the error of each packet that cannot be decoded.
        """
        self._stream, self._start, self._damaged = stream, start, damaged
        self._resampler: Any = None
        self._layout: tuple[object, ...] = ()
        self._next_at: float | None = None

    def decode(self, packet: Any) -> Iterator[AudioChunk]:
        """Yields the chunks that a packet completes; None flushes the decoder."""
        for raw in _decode_packet(self._stream, packet, self._damaged):
            yield from self._resample(raw)
        if packet is None:
            yield from self._flush()

    def _resample(self, raw: Any) -> Iterator[AudioChunk]:
        import av

        layout = (raw.format.name, raw.layout.name, raw.sample_rate)
        if layout != self._layout:
            # The format of some streams changes midway (broadcasts, HE-AAC after its first frames).
            yield from self._flush()
            self._resampler, self._layout = av.AudioResampler("flt", "mono", RATE, frame_size=CHUNK), layout
        timestamp = float(raw.time) - self._start if raw.time is not None else None
        try:
            resampled = self._resampler.resample(raw)
        except (av.FFmpegError, ValueError) as error:
            self._damaged(error)
            return
        for frame in resampled:
            yield self._chunk(frame, timestamp)

    def _flush(self) -> Iterator[AudioChunk]:
        if self._resampler is not None:
            resampler, self._resampler, self._layout = self._resampler, None, ()
            for frame in resampler.resample(None):
                yield self._chunk(frame, None)

    def _chunk(self, frame: Any, timestamp: float | None) -> AudioChunk:
        samples = np.asarray(frame.to_ndarray().reshape(-1), np.float32)
        if self._next_at is None or (timestamp is not None and timestamp - self._next_at > _MAX_GAP_S):
            self._next_at = max(0.0, timestamp or 0.0)
        at = self._next_at
        self._next_at += len(samples) / RATE
        return AudioChunk(samples, RATE, at)


def _orientation(raw: Any) -> Orientation:
    """Returns the orientation in a decoded image's metadata: phones store images rotated, front cameras mirrored."""
    # PyAV's `rotation` is not used, because it reports a mirrored image as upside down.
    for entry in raw.side_data:
        if entry.type.name == "DISPLAYMATRIX" and entry.buffer_size >= _DISPLAY_MATRIX.size:
            return from_display_matrix(_DISPLAY_MATRIX.unpack_from(bytes(entry)))
    return UPRIGHT


def _decode_packet(stream: Any, packet: Any, damaged: Callable[[Exception], None]) -> list[Any]:
    import av

    try:
        frames: list[Any] = stream.decode(packet)
    except av.EOFError:
        return []  # a decoder that was flushed before
    except (av.FFmpegError, ValueError) as error:
        damaged(error)
        return []
    for frame in frames:
        # PyAV takes the time base from the packet, which is missing when a decoder is flushed.
        frame.time_base = stream.time_base
    return frames
