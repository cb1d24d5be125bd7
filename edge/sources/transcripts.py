"""Transcripts of what was said: a single payload, a file, or standard input."""

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
from edge.sources.rate_limit import TokenBucket
from edge.sources.refusals import Refusals

log = logging.getLogger(__name__)

MAX_BYTES: Final = 10_000
"""A longer transcript is refused: it is more than anybody says in one go."""

MAX_AGE_S: Final = 60.0
"""A transcript that was said longer ago is refused. Words stop counting after about 18 s (three times
`fusion.words_memory_s`), so such an age means a wrong clock or a wrong unit."""

MAX_FILE_BYTES: Final = 16_000_000
"""A larger file of transcripts is refused. A day of speech is about 1 MB."""

MAX_MEDIA_TIME_S: Final = 86_400.0
"""A `time` beyond one day is refused in a file of transcripts, for no recording is that long."""

ACCEPTED_PER_S: Final = 10.0
"""Transcripts read a second, from each of broker and standard input. A recogniser sends one or two."""
ACCEPTED_BURST: Final = 20
"""Transcripts read at once after a silence."""

_POLL_S: Final = 0.25
"""Seconds after which a waiting read looks whether the source was closed."""


def parse_transcript(payload: bytes | str, now: float, utc: float | None = None) -> Transcript:
    """Reads one transcript: plain text, or a JSON object.

    The object has `text` and may have `speaker`, `confidence` (brought into 0…1) and the time it was said, as `age`
    (seconds ago) or as `time` (RFC 3339 with a time zone, or seconds since 1970). `age` wins where both are given.
    A time in the future counts as now, since the sender's clock may be ahead of ours.

    Args:
        payload: UTF-8, at most `MAX_BYTES`.
        now: Monotonic seconds; the time of a transcript that gives none.
        utc: The same moment in seconds since 1970. Without it `time` is not read.

    Returns:
        The transcript, its `captured_at` between `now - MAX_AGE_S` and `now`.

    Raises:
        SourceError: The payload is no transcript, or was said more than `MAX_AGE_S` ago. The message never repeats
            the text.
    """
    text = _decode(payload)
    if not text.startswith("{"):
        return Transcript(_worded(text), now)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        # Also a number of thousands of digits, which is a plain ValueError.
        raise SourceError(
            "a transcript starts like JSON but cannot be read as such; send plain text or a JSON object"
        ) from error
    age = _number(fields, "age", 0.0 if utc is None else utc - _moment(fields, utc))
    if age > MAX_AGE_S:
        raise SourceError(
            f"a transcript said {age:.3g} s ago is refused; at most {MAX_AGE_S:g} s (is the sender's clock right?)"
        )
    return Transcript(
        _worded(_string(fields, "text") or ""),
        now - max(0.0, age),
        speaker=_clean(_string(fields, "speaker") or "") or None,
        confidence=min(1.0, max(0.0, _number(fields, "confidence", 1.0))),
    )


def read_transcript_file(path: Path) -> tuple[Transcript, ...]:
    """Reads the transcripts of a recording: one JSON object a line.

    Each object has `time` (seconds of the medium at the end of what was said, 0 to `MAX_MEDIA_TIME_S`), `text`, and
    may have `speaker` and `confidence`.

    Returns:
        The transcripts in the order of their times.

    Raises:
        SourceError: The file cannot be read, is larger than `MAX_FILE_BYTES`, or has a faulty line, which is named by
            its number.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SourceError(f"transcripts {path}: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise SourceError(f"transcripts {path}: larger than {MAX_FILE_BYTES // 1_000_000} MB; is it the right file?")
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip():
            continue
        try:
            said = parse_transcript(line, 0.0)
            found.append(Transcript(said.text, _media_time(line), said.speaker, said.confidence))
        except SourceError as error:
            raise SourceError(f"transcripts {path}, line {number}: {error}") from error
    return tuple(sorted(found, key=lambda transcript: transcript.captured_at))


class StdinTranscripts(Opened):
    """Transcripts from standard input, one a line, as plain text or JSON.

    A faulty line is counted and the log says why, in a flood once a second and never with its text. Beyond
    `ACCEPTED_PER_S` lines wait in the pipe, so that nothing is lost and the writer is slowed down.
    """

    name = "standard input"

    def __init__(self, stream: BinaryIO | None = None) -> None:
        self._refusals = Refusals(lambda why: log.warning("standard input: %s", why))
        self._rate = TokenBucket(ACCEPTED_PER_S, ACCEPTED_BURST)
        self._stream = stream
        self._buffer = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._stop = threading.Event()

    @property
    def refused(self) -> int:
        """Faulty lines so far."""
        return self._refusals.count

    def open(self) -> None:
        """Does nothing: standard input is always open."""
        self._stop.clear()

    def read(self) -> Transcript:
        """Raises `SourceEnded` at the end of input or when closed."""
        while True:
            line = self._line()
            try:
                transcript = parse_transcript(line, time.monotonic(), time.time())
            except SourceError as error:
                if line.strip():
                    self._refusals.add(str(error), time.monotonic())
                continue
            while not self._rate.take(time.monotonic()):
                if self._stop.wait(self._rate.wait(time.monotonic())):
                    raise SourceEnded("standard input was closed")
            return transcript

    def close(self) -> None:
        """Ends a waiting `read`."""
        self._stop.set()

    def _line(self) -> bytes:
        descriptor = (self._stream or sys.stdin.buffer).fileno()
        while not self._lines:
            if self._stop.is_set() or self._ended:
                raise SourceEnded("standard input is at its end")
            # The wait is limited, so that `close` takes effect.
            if not select.select([descriptor], [], [], _POLL_S)[0]:
                continue
            block = os.read(descriptor, 65_536)
            self._ended = not block
            *self._lines, self._buffer = (self._buffer + block).split(b"\n")
            if self._ended and self._buffer:
                self._lines.append(self._buffer)
            elif len(self._buffer) > MAX_BYTES:
                # Such a line is refused when its end comes; only its beginning is kept until then.
                self._buffer = self._buffer[: MAX_BYTES + 1]
        return self._lines.pop(0)


def _media_time(line: bytes) -> float:
    """Seconds of the medium in a line that `parse_transcript` has accepted. Raises `SourceError`."""
    text = _decode(line)
    fields = json.loads(text) if text.startswith("{") else {}
    if "time" not in fields:
        raise SourceError('no time; write {"time": seconds, "text": …}')
    at = _number(fields, "time", 0.0)
    if not 0.0 <= at <= MAX_MEDIA_TIME_S:
        raise SourceError(f"'time' is {at:.3g} s; it must lie in 0…{MAX_MEDIA_TIME_S:g} s of the medium")
    return at


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
    """The text with control characters and lone surrogates (which JSON can hold and UTF-8 cannot) made blanks."""
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
    except (ValueError, OverflowError) as error:
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
