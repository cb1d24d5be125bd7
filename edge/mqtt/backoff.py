"""Back-off between attempts to connect, and detection of session take-overs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

FIRST_S: Final = 1.0
"""Upper limit of the first wait after a failure, in seconds. Each further wait is twice as long, up to a limit."""

HEALTHY_S: Final = 5.0
"""Seconds after which a connection counts as healthy. The back-off starts again from the first wait after it."""

TAKEOVER_MAX_S: Final = 60.0
"""Longest wait, in seconds, after another client has taken the session over."""

STABLE_S: Final = 90.0
"""Seconds after which a connection counts as stable, so that every kind of failure is logged again. The value exceeds
`TAKEOVER_MAX_S`, so that two devices which disconnect each other never appear stable."""

SUSPICIOUS_S: Final = 5.0
"""Seconds after its start within which a closed connection may have been taken over by another client. MQTT 3.1.1 has
no reason code that would say so."""

SUSPICIONS: Final = 2
"""Number of consecutive suspicious disconnects that count as a take-over. A single one may be a broker restart."""


@dataclass(slots=True)
class Backoff:
    """Exponential back-off with jitter."""

    first: float
    """First wait, in seconds."""
    longest: float
    """Upper limit of the waits, in seconds. The waits double until they reach it."""
    jitter: float = 0.2
    """Largest share of a wait, from 0 to 1, by which it is shortened at random."""
    chance: Callable[[], float] = field(default=random.random)
    """Returns random numbers from 0 to 1."""
    _next: float = field(default=0.0, init=False)

    def wait(self) -> float:
        """Returns the seconds until the next attempt, at most `longest`, and doubles the next wait."""
        wait = min(self._next or self.first, self.longest)
        self._next = min(wait * 2, self.longest)
        return wait * (1.0 - self.jitter * self.chance())

    def reset(self) -> None:
        """Makes the next wait the first one again."""
        self._next = 0.0


@dataclass(slots=True)
class Takeovers:
    """Detects another client with the same client identifier: the broker then disconnects each client for the other."""

    _suspicions: int = 0

    def closed(self, held: float, *, certain: bool, by_peer: bool) -> bool:
        """Records a disconnect.

        Args:
            held: seconds for which the connection held.
            certain: the broker sent the reason code for a taken-over session (MQTT 5).
            by_peer: the broker closed the connection; False if the keep-alive expired or this side closed it.

        Returns:
            Whether the session counts as taken over.
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
