"""Makes the built-in clip: `python -m edge.clip.build`, for developers only.

The face is real: a photograph, NASA's portrait of the astronaut Eileen Collins (public domain, from
`skimage.data.astronaut()`). It is one still picture, so she never stops smiling. Her mouth is moved by computation, as
that of a puppet: it opens with the loudness of the voice, so that it is seen who speaks, and shows no emotion (see
`edge.clip.mouth`). All other movement comes from a virtual camera that pans, zooms, tilts, and once leaves the face and
returns. The voice is synthesised by espeak-ng, which speaks higher and faster in one part and lower and slower in the
other, without any real emotion. The words are the sentences below, so the transcript is known and not recognised. The
clip demonstrates that every part runs; it is not evidence of how well emotions or speakers are recognised.

Needs `pip install 'edge-emotion[media]' scikit-image` and Debian's `espeak-ng`. The same versions give the same bytes.
"""

from __future__ import annotations

import importlib
import json
import math
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge import clip
from edge.clip import mouth

WIDTH, HEIGHT, FPS = 480, 360, 15
"""Size in pixels and frame rate in frames a second of the video."""
RATE: Final = 16000
"""Sampling rate of the sound in Hz."""
SECONDS: Final = 15.0
"""Length of the clip in seconds."""
ONE_THREAD: Final = "threads=1:lookahead-threads=1:sync-lookahead=0"
"""Options of x264 for a single thread, because its output depends on the number of threads."""
NOISE_DBFS: Final = -62.0
"""Level of the background noise: a microphone is never silent, and digital silence would ease speech detection."""
SPEECH_DBFS: Final = -23.0
"""Level of each sentence."""
VOICE: Final = "en-us+f2"
"""The espeak-ng voice whose words pocketsphinx, which is trained on people, recognises best."""


@dataclass(frozen=True)
class Sentence:
    """A sentence and how it is spoken."""

    text: str
    """The words."""
    starts_at: float
    """Start in seconds of the clip."""
    pitch: int
    """Pitch of espeak-ng, 0…99."""
    words_per_minute: int
    """Speed of espeak-ng."""


SENTENCES: Final = (
    Sentence("I am so happy to see you!", 0.8, 65, 150),
    Sentence("This is wonderful!", 3.1, 70, 145),
    Sentence("Oh no, how awful.", 8.4, 30, 135),
    Sentence("I am so sad and so lonely.", 10.9, 25, 125),
)
"""The sentences of the clip, in the order of time."""


@dataclass(frozen=True)
class View:
    """Where the virtual camera looks at one moment."""

    at: float
    """Time in seconds of the clip."""
    x: float
    """Horizontal centre of the view, in pixels of the portrait."""
    y: float
    """Vertical centre of the view, in pixels of the portrait."""
    width: float
    """Width of the view, in pixels of the portrait."""
    tilt: float
    """Rotation of the view in degrees."""


VIEWS: Final = (
    View(0.0, 226, 150, 300, 0.0),
    View(2.5, 236, 140, 240, -4.0),
    View(4.6, 218, 135, 210, 5.0),
    View(5.4, 252, 424, 200, 0.0),  # no face in view
    View(7.3, 240, 418, 194, 2.0),
    View(8.0, 226, 140, 250, -3.0),
    View(11.0, 216, 150, 290, 3.0),
    View(13.0, 240, 135, 220, -5.0),
    View(15.0, 226, 150, 300, 0.0),
)
"""Key views of the virtual camera, in the order of time."""


def view_at(seconds: float) -> View:
    """The view at a moment of the clip: a smooth (cosine) interpolation between two key views."""
    before, after = next((a, b) for a, b in pairwise(VIEWS) if a.at <= seconds <= b.at)
    share = (1 - math.cos(math.pi * (seconds - before.at) / (after.at - before.at))) / 2

    def mix(a: float, b: float) -> float:
        return a + (b - a) * share

    return View(
        seconds,
        mix(before.x, after.x),
        mix(before.y, after.y),
        mix(before.width, after.width),
        mix(before.tilt, after.tilt),
    )


def picture(portrait: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    """Renders a view of the portrait (rows, columns, 3) as (HEIGHT, WIDTH, 3) uint8."""
    matrix = cv2.getRotationMatrix2D((view.x, view.y), view.tilt, WIDTH / view.width)
    matrix[:, 2] += np.array([WIDTH / 2 - view.x, HEIGHT / 2 - view.y])
    seen = cv2.warpAffine(portrait, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def speak(sentence: Sentence) -> NDArray[np.float32]:
    """Synthesises a sentence: (n,) float32 at `RATE` and `SPEECH_DBFS`, without silence at either end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        voice = ["-v", VOICE, "-p", str(sentence.pitch), "-s", str(sentence.words_per_minute)]
        subprocess.run(["espeak-ng", *voice, "-w", str(file), sentence.text], check=True)
        with wave.open(str(file)) as spoken:
            rate = spoken.getframerate()
            samples = np.frombuffer(spoken.readframes(spoken.getnframes()), np.int16)
    sound = resample(samples, rate).astype(np.float32) / 32768
    loud = np.flatnonzero(np.abs(sound) > 0.005)
    sound = sound[loud[0] : loud[-1] + 1]
    return np.asarray(sound * (10 ** (SPEECH_DBFS / 20) / np.sqrt(np.mean(sound**2))), np.float32)


def resample(samples: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    """Resamples (n,) samples from `rate` to `RATE`, both in Hz."""
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([part.to_ndarray()[0] for part in parts])


def sound_track() -> tuple[NDArray[np.float32], list[dict[str, Any]]]:
    """Makes the sound, (SECONDS · RATE,) float32 in −1…1, and the lines of the transcript."""
    noise = np.random.default_rng(1).standard_normal(int(SECONDS * RATE)) * 10 ** (NOISE_DBFS / 20)
    track = noise.astype(np.float32)
    lines: list[dict[str, Any]] = []
    for sentence in SENTENCES:
        spoken = speak(sentence)
        start = int(sentence.starts_at * RATE)
        track[start : start + len(spoken)] += spoken
        ends_at = round(sentence.starts_at + len(spoken) / RATE, 2)
        lines.append({"time": ends_at, "text": sentence.text, "confidence": 1.0})
    overlap = [
        line["text"] for line, later in zip(lines, SENTENCES[1:], strict=False) if line["time"] > later.starts_at
    ]
    if overlap or lines[-1]["time"] > SECONDS:
        raise SystemExit(f"these sentences run into the next: {overlap or lines[-1]['text']}")
    return np.clip(track, -1, 1), lines


def film(portrait: NDArray[np.uint8], track: NDArray[np.float32]) -> Iterator[NDArray[np.uint8]]:
    """Renders the pictures of the clip, (HEIGHT, WIDTH, 3) uint8 RGB.

    Args:
        portrait: (512, 512, 3) uint8 RGB.
        track: The sound that moves the mouth, (n,) float32 at `RATE`.
    """
    times = np.arange(round(SECONDS * FPS)) / FPS
    for seconds, opening in zip(times.tolist(), mouth.openings(track, RATE, times).tolist(), strict=True):
        yield picture(mouth.opened(portrait, opening), view_at(seconds))


def encode(pictures: Iterable[NDArray[np.uint8]], track: NDArray[np.float32], file: Path) -> None:
    """Writes pictures and sound as H.264 and AAC.

    Args:
        pictures: (HEIGHT, WIDTH, 3) uint8 RGB each, `FPS` a second.
        track: (n,) float32 at `RATE`, −1…1.
        file: Where the clip is written.
    """
    with av.open(str(file), "w", options={"movflags": "+faststart"}) as container:
        video: Any = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"crf": "26", "preset": "veryslow", "tune": "stillimage", "x264-params": ONE_THREAD}
        audio: Any = container.add_stream("aac", rate=RATE, layout="mono")
        audio.bit_rate = 40_000
        for index, seen in enumerate(pictures):
            planes = cv2.cvtColor(seen, cv2.COLOR_RGB2YUV_I420)
            image = av.VideoFrame.from_ndarray(np.asarray(planes, np.uint8), format="yuv420p")
            image.pts = index
            container.mux(video.encode(image))
        container.mux(video.encode(None))
        step = 1024
        for start in range(0, len(track), step):
            chunk = av.AudioFrame.from_ndarray(track[None, start : start + step], format="fltp", layout="mono")
            chunk.sample_rate, chunk.pts = RATE, start
            container.mux(audio.encode(chunk))
        container.mux(audio.encode(None))


def main() -> int:
    try:
        data: Any = importlib.import_module("skimage.data")
    except ImportError:
        print("the portrait comes with scikit-image: pip install scikit-image", file=sys.stderr)
        return 1
    track, lines = sound_track()
    encode(film(np.asarray(data.astronaut(), np.uint8), track), track, clip.path())
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    clip.transcripts().write_text(text, encoding="utf-8")
    print(f"{clip.path()}: {clip.path().stat().st_size} bytes, {len(lines)} sentences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
