"""Which failure is worth a line in the log: each kind once, until a connection has held for long."""

from __future__ import annotations

from dataclasses import dataclass, field

from edge.mqtt.backoff import STABLE_S


@dataclass(slots=True)
class FailureLog:
    """Not thread-safe."""

    _said: set[str] = field(default_factory=set)
    _say_connect: bool = True

    def is_news(self, kind: str) -> bool:
        """Whether a failure of this kind has to be logged; true at its first occurrence."""
        news = kind not in self._said
        self._said.add(kind)
        self._say_connect = self._say_connect or news
        return news

    def connected(self) -> bool:
        """Whether a new connection has to be logged: the first one, and each that ends a logged failure."""
        say, self._say_connect = self._say_connect, False
        return say

    def held(self, seconds: float) -> None:
        """A connection broke after so many seconds; after `STABLE_S` every failure is news again."""
        if seconds >= STABLE_S:
            self._said.clear()
