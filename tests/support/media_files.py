"""Media files made on the spot, so that no test needs a corpus."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from edge import clip
from edge.observation import Frame
from edge.sources.media import MediaFile


def picture(number: int, width: int = 160, height: int = 120) -> NDArray[np.uint8]:
    """BGR; its brightness is 2·number (up to 99), its upper left quarter is blue."""
    image = np.full((height, width, 3), 2 * (number % 100), np.uint8)
    image[: height // 2, : width // 2] = (250, 0, 0)
    return image


def tone(seconds: float, rate: int, hertz: float = 440.0) -> NDArray[np.float32]:
    """(n,) of amplitude 0.5."""
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate), np.float32)


def write(
    path: Path,
    *,
    video_s: float = 0.0,
    audio_s: float = 0.0,
    fps: int = 10,
    size: tuple[int, int] = (160, 120),
    video_codec: str = "mpeg4",
    audio_codec: str = "aac",
    rate: int = 44_100,
    audio_start_s: float = 0.0,
    container_options: dict[str, str] | None = None,
    apart: bool = False,
    noise: float = 0.0,
) -> Path:
    """A file of `picture(0)`, `picture(1)` … and a 440 Hz tone; `apart`: all pictures first, then all sound.

    `noise`: standard deviation of what is added to the pictures, so that each takes some thousand bytes.
    """
    with av.open(str(path), "w", options=container_options or {}) as container:
        packets: list[tuple[float, object]] = []
        rng = np.random.default_rng(0)
        pictures = sounds = None
        # All streams must be there before the first packet is made.
        if video_s:
            pictures = cast(av.VideoStream, container.add_stream(video_codec, rate=fps))
            pictures.width, pictures.height = size
            pictures.bit_rate = 2_000_000
            pictures.pix_fmt = "yuvj420p" if video_codec == "mjpeg" else "yuv420p"
        if audio_s:
            sounds = cast(av.AudioStream, container.add_stream(audio_codec, rate=rate))
        if pictures is not None:
            for number in range(round(video_s * fps)):
                noisy = picture(number, *size) + rng.normal(0, noise, (size[1], size[0], 3))
                frame = av.VideoFrame.from_ndarray(np.clip(noisy, 0, 255).astype(np.uint8), format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, fps)
                packets += [(number / fps, packet) for packet in pictures.encode(frame)]
            packets += [(video_s, packet) for packet in pictures.encode(None)]
        if sounds is not None:
            for at, block in _sound_frames(audio_s, rate, audio_start_s):
                packets += [(at, packet) for packet in sounds.encode(block)]
            packets += [(audio_start_s + audio_s, packet) for packet in sounds.encode(None)]
        for _, packet in packets if apart else sorted(packets, key=lambda timed: timed[0]):
            container.mux(packet)  # type: ignore[arg-type]
    return path


def _sound_frames(seconds: float, rate: int, start: float) -> Iterator[tuple[float, av.AudioFrame]]:
    samples = tone(seconds, rate)
    for begin in range(0, len(samples), 1024):
        block = np.ascontiguousarray(samples[None, begin : begin + 1024])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = begin + round(start * rate)
        yield frame.pts / rate, frame


def frame_at(second: float) -> NDArray[np.uint8]:
    """The first picture of the built-in clip after `second`; (height, width, 3), BGR."""
    with MediaFile(clip.path()) as media:
        while True:
            item = media.read()
            if isinstance(item, Frame) and item.captured_at > second:
                return item.image


def remux(source: Path, target: Path, only: str | None = None, until: float = float("inf")) -> None:
    """Copies streams, or their first seconds, into another container without re-encoding them."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        pairs = {
            stream: written.add_stream_from_template(stream) for stream in read.streams if only in (None, stream.type)
        }
        for packet in read.demux(list(pairs)):
            if packet.dts is not None and packet.dts * packet.time_base < until:
                packet.stream = pairs[packet.stream]
                written.mux(packet)
