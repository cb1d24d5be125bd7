"""Identifiers of events: UUID version 7 (RFC 9562), which sort by time as text."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
from collections.abc import Callable
from typing import Final

_COUNTER_BITS: Final = 12
"""Bits of `rand_a`, which count the identifiers of one millisecond (RFC 9562, section 6.2, method 1)."""

_RANDOM_BITS: Final = 62
"""Bits of `rand_b`."""


class EventIds:
    """Makes identifiers, each greater than the one before, also while the wall clock stands still or steps back.

    Any thread may call `next`.
    """

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        """`wall_clock`: gives seconds since 1970."""
        self._wall_clock = wall_clock
        self._lock = threading.Lock()
        self._last = 0
        """Milliseconds and counter of the last identifier, as one number of 48 + 12 bits."""

    def next(self) -> str:
        """A new identifier, 36 characters of lower-case hexadecimal and hyphens."""
        with self._lock:
            milliseconds = min(max(0, int(self._wall_clock() * 1000)), (1 << 48) - 1)
            # After the last counter of a millisecond the sum runs over into the next millisecond.
            self._last = max(self._last + 1, milliseconds << _COUNTER_BITS)
            time_and_counter = self._last
        head, counter = time_and_counter >> _COUNTER_BITS, time_and_counter & ((1 << _COUNTER_BITS) - 1)
        value = head << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(_RANDOM_BITS)
        return str(uuid.UUID(int=value))


def milliseconds_of(event_id: str) -> int:
    """Milliseconds since 1970 in an identifier. Raises `ValueError` if it is not a UUID of version 7."""
    parsed = uuid.UUID(event_id)
    if parsed.version != 7:
        raise ValueError(f"{event_id!r} is not a UUID of version 7")
    return parsed.int >> 80
