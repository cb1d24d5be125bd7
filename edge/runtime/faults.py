"""Collects the present faults of sources and senses, which the threads report."""

from __future__ import annotations

import threading

from edge.observation import Sense


class Faults:
    """The present faults, by part and sense. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._present: dict[tuple[str, Sense], str] = {}

    def report(self, part: str, sense: Sense, reason: str) -> None:
        """Records a fault.

        Args:
            part: Name of the faulty part, such as `camera`.
            sense: The sense that cannot work because of it.
            reason: One line that describes the fault.
        """
        with self._lock:
            self._present[part, sense] = reason

    def clear(self, part: str, sense: Sense) -> None:
        """Removes a fault after recovery; does nothing if there is none."""
        with self._lock:
            self._present.pop((part, sense), None)

    def present(self) -> tuple[tuple[Sense, str], ...]:
        """Sense and reason of each fault, in the order in which the faults appeared."""
        with self._lock:
            return tuple((sense, reason) for (_, sense), reason in self._present.items())
