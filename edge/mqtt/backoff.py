"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FIRST_S: Final = 1.0
"""Longest first wait after a failure; each further one is twice as long, up to a limit."""

HEALTHY_S: Final = 5.0
"""A connection that held this long was healthy: the next failure starts with the first wait again."""

TAKEOVER_MAX_S: Final = 60.0
"""Longest wait after another client took the session over."""

STABLE_S: Final = 90.0
"""A connection that held this long makes every failure news again. It is longer than the longest wait after a
take-over, so that two devices which throw each other out never look stable."""

SUSPICIOUS_S: Final = 5.0
"""MQTT 3.1.1 gives no reason when it closes a connection. One that is closed within this time of its start may have
been taken over by another client."""

SUSPICIONS: Final = 2
"""Suspicious closures in a row that count as a take-over; a single one may be a restart of the broker."""


@dataclass(slots=True)
class Backoff:
    """Waits that double from `first` to `longest` seconds, each shortened by a random part of up to `jitter`."""

    first: float
    longest: float
    jitter: float = 0.2
    chance: Callable[[], float] = field(default=random.random)
    """Gives random numbers from 0 to 1."""
    _next: float = field(default=0.0, init=False)

    def wait(self) -> float:
        """Seconds until the next attempt; at most `longest`."""
        wait = min(self._next or self.first, self.longest)
        self._next = min(wait * 2, self.longest)
        return wait * (1.0 - self.jitter * self.chance())

    def reset(self) -> None:
        """The next wait is the first again."""
        self._next = 0.0


@dataclass(slots=True)
class Takeovers:
    """Recognises that another client uses the same client identifier, so that both throw each other out."""

    _suspicions: int = 0

    def closed(self, held: float, *, certain: bool, by_peer: bool) -> bool:
        """Whether a closed connection counts as taken over.

        Args:
            held: seconds for which the connection stood.
            certain: the broker said that the session was taken over (MQTT 5).
            by_peer: the broker closed it, rather than a silent network or this side.
        """
        if held >= STABLE_S:
            self._suspicions = 0
        if certain:
            self._suspicions = SUSPICIONS
        elif by_peer and (held < SUSPICIOUS_S or self._suspicions >= SUSPICIONS):
            self._suspicions += 1
        else:
            self._suspicions = 0
        return self._suspicions >= SUSPICIONS
