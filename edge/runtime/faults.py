"""Why a sense gets nothing to perceive: the faults of sources and senses, as the threads report them."""

from __future__ import annotations

import threading

from edge.observation import Sense


class Faults:
    """Present faults by the part that has them. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: dict[tuple[str, Sense], str] = {}

    def report(self, part: str, sense: Sense, reason: str) -> None:
        """`part` keeps `sense` from perceiving, for this reason."""
        with self._lock:
            self._present[part, sense] = reason

    def clear(self, part: str, sense: Sense) -> None:
        """`part` is well again; harmless where it was."""
        with self._lock:
            self._present.pop((part, sense), None)

    def present(self) -> tuple[tuple[Sense, str], ...]:
        """Sense and reason of each fault, in the order in which they appeared."""
        with self._lock:
            return tuple((sense, reason) for (_, sense), reason in self._present.items())
