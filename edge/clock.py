"""Converts monotonic seconds to the wall-clock time that messages carry."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""The Unix epoch."""

STEP: Final = 0.05
"""Seconds by which the wall clock may drift from the monotonic clock before it counts as stepped.

A Raspberry Pi has no battery-backed clock: it boots with a time in the past and jumps when the first time server
answers.
"""


@dataclass(frozen=True, slots=True)
class Clock:
    """The offset between the monotonic clock and the wall clock."""

    offset: float = 0.0
    """Seconds since 1970-01-01 UTC at monotonic second 0; 0 in replay, where the recording starts at the epoch."""

    @classmethod
    def live(cls) -> Self:
        """Returns a clock with the present offset of this machine."""
        return cls(time.time() - time.monotonic())

    def anchored(self, monotonic: float, utc: float) -> Clock:
        """Returns this clock, or a new one if the wall clock was stepped by more than `STEP`.

        `monotonic` and `utc` are seconds, read at the same moment.
        """
        offset = utc - monotonic
        return self if abs(offset - self.offset) <= STEP else Clock(offset)

    def milliseconds(self, seconds: float) -> int:
        """Converts monotonic seconds to UTC milliseconds since the epoch."""
        return round((self.offset + seconds) * 1000)

    def rfc3339(self, seconds: float) -> str:
        """Formats monotonic seconds as `2026-01-31T12:00:00.123Z`."""
        return rfc3339(self.milliseconds(seconds))


REPLAY: Final = Clock(0.0)
"""The clock of a replay: second 0 of the recording is the epoch."""


def rfc3339(milliseconds: int) -> str:
    """Formats milliseconds since the epoch as `2026-01-31T12:00:00.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> float:
    """Parses an RFC 3339 time into seconds since the epoch.

    Raises `ValueError` if the text is not a time or has no time zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
