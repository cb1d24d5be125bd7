"""What a speech recogniser heard: from MQTT, standard input or a file."""

from __future__ import annotations

import json
import logging
import math
import os
import select
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from edge.errors import SourceEnded, SourceError
from edge.observation import Transcript
from edge.sources.base import Opened
from edge.sources.refusals import Refusals

log = logging.getLogger(__name__)

MAX_BYTES: Final = 10_000
"""Longer transcripts are refused: nobody says so much at a time."""

_POLL_S: Final = 0.25


def parse_transcript(payload: bytes | str, now: float, utc: float | None = None) -> Transcript:
    """A transcript from plain text, or from a JSON object with `text` and, if it likes, `speaker`, `confidence` (0…1)
    and when it was said: `age` (seconds ago), or `time` (RFC 3339 with its zone, or seconds since 1970).

    `now`: monotonic seconds, the time of what says nothing of its own; `utc`: the same moment in seconds since 1970;
    without it `time` is left unread. Raises `SourceError`; the message never repeats the text.
    """
    text = _decode(payload)
    if not text.startswith("{"):
        return Transcript(_worded(text), now)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        # Also a number of thousands of digits, which is a plain ValueError.
        raise SourceError("a transcript that starts like JSON is none; send plain text or a JSON object") from error
    age = _number(fields, "age", 0.0 if utc is None else utc - _moment(fields, utc))
    return Transcript(
        _worded(_string(fields, "text") or ""),
        now - max(0.0, age),
        speaker=_clean(_string(fields, "speaker") or "") or None,
        confidence=min(1.0, max(0.0, _number(fields, "confidence", 1.0))),
    )


def read_transcript_file(path: Path) -> tuple[Transcript, ...]:
    """The transcripts of a recording, one JSON object a line with `time` (seconds of the medium, when the words had
    been said), `text` and, if it likes, `speaker` and `confidence`; in the order of their times. Raises `SourceError`.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise SourceError(f"transcripts {path}: {error.strerror}") from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            said = parse_transcript(line, 0.0)
            at = _time(line)
        except SourceError as error:
            raise SourceError(f"transcripts {path}, line {number}: {error}") from error
        if at is None or at < 0:
            raise SourceError(f'transcripts {path}, line {number}: no time; write {{"time": seconds, "text": …}}')
        found.append(Transcript(said.text, at, said.speaker, said.confidence))
    return tuple(sorted(found, key=lambda transcript: transcript.captured_at))


class StdinTranscripts(Opened):
    """One transcript a line, plain text or JSON. A line that is none is counted; the log tells why, in a flood once
    a second and without its text."""

    name = "standard input"

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._refusals = Refusals(lambda why: log.warning("standard input: %s", why))
        self._stream = stream
        self._buffer = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._stop = threading.Event()

    @property
    def refused(self) -> int:
        """Lines that were no transcript."""
        return self._refusals.count

    def open(self) -> None:
        """Does nothing: standard input is always open."""
        self._stop.clear()

    def read(self) -> Transcript:
        """Raises `SourceEnded` at the end of input or when closed."""
        while True:
            line = self._line()
            try:
                return parse_transcript(line, time.monotonic(), time.time())
            except SourceError as error:
                if line.strip():
                    self._refusals.add(str(error), time.monotonic())

    def close(self) -> None:
        """Ends a waiting `read`."""
        self._stop.set()

    def _line(self) -> bytes:
        descriptor = (self._stream or sys.stdin.buffer).fileno()
        while not self._lines:
            if self._stop.is_set() or self._ended:
                raise SourceEnded("standard input is at its end")
            # Waiting with a limit, so that `close` is heeded.
            if not select.select([descriptor], [], [], _POLL_S)[0]:
                continue
            block = os.read(descriptor, 65_536)
            self._ended = not block
            *self._lines, self._buffer = (self._buffer + block).split(b"\n")
            if self._ended and self._buffer:
                self._lines.append(self._buffer)
            elif len(self._buffer) > MAX_BYTES:
                # The rest of so long a line is refused when its end comes; only a bounded part is kept.
                self._buffer = self._buffer[: MAX_BYTES + 1]
        return self._lines.pop(0)


def _time(line: bytes) -> float | None:
    """Seconds of the medium, of a line that `parse_transcript` has accepted; None where it says none."""
    text = _decode(line)
    fields = json.loads(text) if text.startswith("{") else {}
    return _number(fields, "time", 0.0) if "time" in fields else None


def _decode(payload: bytes | str) -> str:
    if len(payload) > MAX_BYTES:
        raise SourceError(f"a transcript of {len(payload)} bytes is refused; at most {MAX_BYTES}")
    if isinstance(payload, str):
        return payload.strip()
    try:
        return payload.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise SourceError(f"a transcript is not UTF-8 text (byte {error.start})") from error


def _worded(text: str) -> str:
    kept = _clean(text)
    if not kept:
        raise SourceError("an empty transcript")
    return kept


def _clean(text: str) -> str:
    """Without control characters and lone surrogates, which JSON can hold and UTF-8 cannot."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _string(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise SourceError(f"a transcript's {key!r} must be text, not {type(value).__name__}")
    return value


def _moment(fields: dict[str, Any], default: float) -> float:
    """The field `time` in seconds since 1970."""
    said = fields.get("time", default)
    if not isinstance(said, str):
        return _number(fields, "time", default)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise SourceError("a transcript's 'time' must be RFC 3339 text or seconds since 1970") from error
    if moment.tzinfo is None:
        raise SourceError("a transcript's 'time' has no zone; end it with Z for UTC")
    return moment.timestamp()


def _number(fields: dict[str, Any], key: str, default: float) -> float:
    value = fields.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise SourceError(f"a transcript's {key!r} must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SourceError(f"a transcript's {key!r} must be a finite number")
    return number
