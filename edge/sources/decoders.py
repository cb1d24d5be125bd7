"""From the packets of one stream of a media file to frames or chunks of sound, over PyAV."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.observation import AudioChunk, Frame
from edge.sources.orientation import UPRIGHT, Orientation, from_display_matrix

RATE: Final = 16_000
CHUNK: Final = 512
"""Samples; 32 ms, as the microphone gives."""

_JUMP_S: Final = 0.1
"""Sound is timed by counting its samples, which is exact; by the file's stamps where these leap ahead by more."""


_MATRIX: Final = struct.Struct("=9i")
"""A display matrix as FFmpeg hands it out: fixed-point numbers in the machine's byte order."""


class PictureDecoder:
    """Upright BGR pictures, scaled down to `max_side`."""

    def __init__(self, stream: Any, start: float, max_side: int, damaged: Callable[[Exception], None]) -> None:
        """`start`: seconds, the file's first time stamp; `damaged` is told of what cannot be decoded."""
        from av.video.reformatter import VideoReformatter

        self._stream, self._start, self._max_side, self._damaged = stream, start, max_side, damaged
        if stream.codec_context.name == "mjpeg":
            # Otherwise what is missing of a picture is left as it was in the one before, and not told.
            stream.codec_context.options = {"err_detect": "explode"}
        self._period = float(1 / stream.average_rate) if stream.average_rate else 0.04
        # One for all frames: it keeps its tables, which costs more to make than to use.
        self._reformatter = VideoReformatter()
        self._last = self._next_at = 0.0

    def decode(self, packet: Any) -> Iterator[Frame]:
        """What a packet completes; what the decoder still holds, for None."""
        for raw in _decoded(self._stream, packet, self._damaged):
            # By the stream's time base: frames that come out at the very end have none of their own.
            at = self._next_at if raw.pts is None else float(raw.pts * self._stream.time_base) - self._start
            # Damage can make stamps go backwards; time does not.
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
        return _orientation(raw).apply(np.asarray(converted.to_ndarray(), np.uint8))


class SoundDecoder:
    """Mono float32 at 16 kHz in chunks of 32 ms; the last may be shorter."""

    def __init__(self, stream: Any, start: float, damaged: Callable[[Exception], None]) -> None:
        """As `PictureDecoder`."""
        self._stream, self._start, self._damaged = stream, start, damaged
        self._resampler: Any = None
        self._layout: tuple[object, ...] = ()
        self._next_at: float | None = None

    def decode(self, packet: Any) -> Iterator[AudioChunk]:
        """What a packet completes; what the decoder still holds, for None."""
        for raw in _decoded(self._stream, packet, self._damaged):
            yield from self._heard(raw)
        if packet is None:
            yield from self._flushed()

    def _heard(self, raw: Any) -> Iterator[AudioChunk]:
        import av

        layout = (raw.format.name, raw.layout.name, raw.sample_rate)
        if layout != self._layout:
            # Some streams change their form on the way (broadcasts, HE-AAC behind its first frames).
            yield from self._flushed()
            self._resampler, self._layout = av.AudioResampler("flt", "mono", RATE, frame_size=CHUNK), layout
        said = float(raw.time) - self._start if raw.time is not None else None
        try:
            resampled = self._resampler.resample(raw)
        except (av.FFmpegError, ValueError) as error:
            self._damaged(error)
            return
        for frame in resampled:
            yield self._chunk(frame, said)

    def _flushed(self) -> Iterator[AudioChunk]:
        if self._resampler is not None:
            resampler, self._resampler, self._layout = self._resampler, None, ()
            for frame in resampler.resample(None):
                yield self._chunk(frame, None)

    def _chunk(self, frame: Any, said: float | None) -> AudioChunk:
        samples = np.asarray(frame.to_ndarray().reshape(-1), np.float32)
        if self._next_at is None or (said is not None and said - self._next_at > _JUMP_S):
            self._next_at = max(0.0, said or 0.0)
        at = self._next_at
        self._next_at += len(samples) / RATE
        return AudioChunk(samples, RATE, at)


def _orientation(raw: Any) -> Orientation:
    """How to show a decoded picture: a telephone stores all lying down, a front camera mirrored, and says so."""
    # Not PyAV's `rotation`, which takes a mirrored picture for one that stands on its head.
    for entry in raw.side_data:
        if entry.type.name == "DISPLAYMATRIX" and entry.buffer_size >= _MATRIX.size:
            return from_display_matrix(_MATRIX.unpack_from(bytes(entry)))
    return UPRIGHT


def _decoded(stream: Any, packet: Any, damaged: Callable[[Exception], None]) -> list[Any]:
    import av

    try:
        frames: list[Any] = stream.decode(packet)
    except av.EOFError:
        return []  # a decoder that was emptied before
    except (av.FFmpegError, ValueError) as error:
        damaged(error)
        return []
    for frame in frames:
        # PyAV takes it from the packet, and there is none when a decoder is emptied.
        frame.time_base = stream.time_base
    return frames
