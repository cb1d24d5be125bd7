"""Reads transcripts of speech from a single payload, a file, or standard input."""

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
"""Maximum size of a transcript in bytes; a longer one is refused, because no utterance is that long."""

MAX_AGE_S: Final = 60.0
"""Maximum age of a transcript in seconds; an older one is refused. Words stop counting after about 18 s (three times
`fusion.words_memory_s`), so a greater age means a wrong clock or a wrong unit."""

MAX_FILE_BYTES: Final = 16_000_000
"""Maximum size of a file of transcripts in bytes; a larger one is refused. A day of speech is about 1 MB."""

MAX_MEDIA_TIME_S: Final = 86_400.0
"""Maximum `time` in a file of transcripts in seconds: one day, because no recording is longer."""

ACCEPTED_PER_S: Final = 10.0
"""Maximum number of transcripts per second from the broker, and from standard input. A recogniser sends one or two."""
ACCEPTED_BURST: Final = 20
"""Number of transcripts that may follow each other immediately after a pause."""

_POLL_S: Final = 0.25
"""Seconds between two checks of a waiting `read` whether the source was closed."""


def parse_transcript(payload: bytes | str, now: float, utc: float | None = None) -> Transcript:
    """Parses one transcript: plain text, or a JSON object.

    The object has `text` and may have `speaker`, `confidence` (clipped to 0…1) and the time of speaking, either as
    `age` (seconds ago) or as `time` (RFC 3339 with a time zone, or seconds since 1970). If both are given, `age` is
    used. A time in the future counts as now, because the sender's clock may be ahead of ours.

    Args:
        payload: The transcript as UTF-8, at most `MAX_BYTES` long.
        now: The present time in monotonic seconds, which is also the time of a transcript that states none.
        utc: The present time in seconds since 1970; if None, `time` is ignored.

    Returns:
        The transcript, with `captured_at` between `now - MAX_AGE_S` and `now`.

    Raises:
        SourceError: The payload is not a valid transcript, or is older than `MAX_AGE_S`. The message never repeats the
            text.
    """
    text = _decode(payload)
    if not text.startswith("{"):
        return Transcript(_required_text(text), now)
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        # A number with thousands of digits raises a plain ValueError.
        raise SourceError(
            "a transcript starts like JSON but cannot be read as such; send plain text or a JSON object"
        ) from error
    age = _number(fields, "age", 0.0 if utc is None else utc - _moment(fields, utc))
    if age > MAX_AGE_S:
        raise SourceError(
            f"a transcript said {age:.3g} s ago is refused; at most {MAX_AGE_S:g} s (is the sender's clock right?)"
        )
    return Transcript(
        _required_text(_string(fields, "text") or ""),
        now - max(0.0, age),
        speaker=_clean(_string(fields, "speaker") or "") or None,
        confidence=min(1.0, max(0.0, _number(fields, "confidence", 1.0))),
    )


def read_transcript_file(path: Path) -> tuple[Transcript, ...]:
    """Reads the transcripts of a recording, one JSON object per line.

    Each object has `text` and `time` (the end of the utterance in seconds of the recording, 0 to `MAX_MEDIA_TIME_S`),
    and may have `speaker` and `confidence`.

    Returns:
        The transcripts in the order of their times.

    Raises:
        SourceError: The file cannot be read, is larger than `MAX_FILE_BYTES`, or has an invalid line, whose number the
            message states.
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
            parsed = parse_transcript(line, 0.0)
            found.append(Transcript(parsed.text, _media_time(line), parsed.speaker, parsed.confidence))
        except SourceError as error:
            raise SourceError(f"transcripts {path}, line {number}: {error}") from error
    return tuple(sorted(found, key=lambda transcript: transcript.captured_at))


class StdinTranscripts(Opened):
    """Reads transcripts from standard input, one per line, as plain text or JSON.

    An invalid line is counted, and the reason is logged without the text, at most once a second in a flood. Lines above
    `ACCEPTED_PER_S` wait in the pipe, so that nothing is lost and the writer is slowed down.
    """

    name = "standard input"
    """Name for messages."""

    def __init__(self, stream: BinaryIO | None = None) -> None:
        """`stream`: the input, which must have a file descriptor; None for standard input."""
        self._refusals = Refusals(lambda why: log.warning("standard input: %s", why))
        self._rate = TokenBucket(ACCEPTED_PER_S, ACCEPTED_BURST)
        self._stream = stream
        self._buffer = b""
        self._lines: list[bytes] = []
        self._ended = False
        self._stop = threading.Event()

    @property
    def refused(self) -> int:
        """Number of invalid lines so far."""
        return self._refusals.count

    def open(self) -> None:
        """Does nothing: standard input is always open."""
        self._stop.clear()

    def read(self) -> Transcript:
        """Waits for the next transcript. Raises `SourceEnded` at the end of input or when closed."""
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
            # The wait is short, so that `close` takes effect.
            if not select.select([descriptor], [], [], _POLL_S)[0]:
                continue
            block = os.read(descriptor, 65_536)
            self._ended = not block
            *self._lines, self._buffer = (self._buffer + block).split(b"\n")
            if self._ended and self._buffer:
                self._lines.append(self._buffer)
            elif len(self._buffer) > MAX_BYTES:
                # The line is refused once its end arrives; until then only its beginning is kept.
                self._buffer = self._buffer[: MAX_BYTES + 1]
        return self._lines.pop(0)


def _media_time(line: bytes) -> float:
    """Returns the `time` of a line that `parse_transcript` has accepted. Raises `SourceError` if it is invalid."""
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


def _required_text(text: str) -> str:
    kept = _clean(text)
    if not kept:
        raise SourceError("an empty transcript")
    return kept


def _clean(text: str) -> str:
    """Replaces control characters and lone surrogates (valid in JSON but not in UTF-8) by spaces."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _string(fields: dict[str, Any], key: str) -> str | None:
    value = fields.get(key)
    if value is not None and not isinstance(value, str):
        raise SourceError(f"a transcript's {key!r} must be text, not {type(value).__name__}")
    return value


def _moment(fields: dict[str, Any], default: float) -> float:
    """Returns the field `time` in seconds since 1970."""
    value = fields.get("time", default)
    if not isinstance(value, str):
        return _number(fields, "time", default)
    try:
        moment = datetime.fromisoformat(value)
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
