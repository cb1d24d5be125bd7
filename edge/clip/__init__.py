"""The built-in clip, which `edge-emotion run` shows if there is neither a camera nor a microphone (see `build`)."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def path() -> Path:
    """Path of the clip, with picture and sound."""
    return _HERE / "clip.mp4"


def transcripts() -> Path:
    """Path of the clip's transcripts: one JSON object a line with `time`, `text` and `confidence`.

    `time` is the end of the sentence in seconds of the clip.
    """
    return _HERE / "clip.jsonl"
