"""Decides which failures are logged: each kind once, until a connection has been stable."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.mqtt.backoff import STABLE_S


@dataclass(slots=True)
class FailureLog:
    """Remembers which kinds of failure have been logged. Not thread-safe."""

    _logged: set[str] = field(default_factory=set)
    _log_connect: bool = True

    def is_news(self, kind: str) -> bool:
        """Whether a failure of this kind has to be logged, which is true for its first occurrence."""
        news = kind not in self._logged
        self._logged.add(kind)
        self._log_connect = self._log_connect or news
        return news

    def connected(self) -> bool:
        """Whether a new connection has to be logged. True for the first, and if it ends a logged failure."""
        needed, self._log_connect = self._log_connect, False
        return needed

    def held(self, seconds: float) -> None:
        """Records that a connection broke after `seconds`. After `STABLE_S` or more, every kind is logged again."""
        if seconds >= STABLE_S:
            self._logged.clear()
