"""From monotonic seconds to the wall clock that readers of a message have."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

STEP: Final = 0.05
"""Seconds by which wall and monotonic clock may drift apart before the wall clock counts as set anew. A Raspberry Pi
has no clock of its own: it starts in the past and jumps when the first time server answers."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where monotonic second 0 lies on the wall clock."""

    offset: float = 0.0
    """Seconds since 1970-01-01 UTC at monotonic second 0; 0 in replay, where the medium's second 0 is the epoch."""

    @classmethod
    def live(cls) -> Self:
        """A clock anchored at this moment."""
        return cls(time.time() - time.monotonic())

    def anchored(self, monotonic: float, utc: float) -> Clock:
        """This clock, or one anchored anew when the wall clock was stepped. `monotonic` and `utc` are seconds read at
        the same moment."""
        offset = utc - monotonic
        return self if abs(offset - self.offset) <= STEP else Clock(offset)

    def milliseconds(self, seconds: float) -> int:
        """UTC milliseconds since the epoch of a monotonic time."""
        return round((self.offset + seconds) * 1000)

    def rfc3339(self, seconds: float) -> str:
        """A monotonic time as `2026-01-31T12:00:00.123Z`."""
        return rfc3339(self.milliseconds(seconds))


REPLAY: Final = Clock(0.0)


def rfc3339(milliseconds: int) -> str:
    """Milliseconds since the epoch as `2026-01-31T12:00:00.123Z`."""
    moment = _EPOCH + timedelta(milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse_rfc3339(text: str) -> float:
    """Seconds since the epoch. Raises `ValueError` for anything but a time with its zone."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment.timestamp()
