"""The built-in clip: what `edge-emotion run` shows where there is no camera and no microphone (see `build`)."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def path() -> Path:
    """The clip, picture and sound."""
    return _HERE / "clip.mp4"


def transcripts() -> Path:
    """What is said in it, one JSON object a line: `time` (seconds of the clip, at the end of the sentence),
    `text`, `confidence`."""
    return _HERE / "clip.jsonl"
