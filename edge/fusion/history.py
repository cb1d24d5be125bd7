"""The recent labels of one person, bounded in number."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_SPANS: Final = 32
"""Number of finished spans that are kept of one person: several minutes of a face that changes often."""


@dataclass(frozen=True, slots=True)
class Span:
    """A period in which the label stayed the same."""

    label: str
    """The label."""
    since: float
    """Seconds: the first estimate with this label."""
    until: float
    """Seconds: the last estimate with this label."""
    confidence: float
    """Highest probability of the label in the period, 0…1."""


class History:
    """The labels of one person's estimates in the order of time. Not thread-safe."""

    __slots__ = ("_confidence", "_finished", "_label", "_since", "_until")

    def __init__(self) -> None:
        self._finished: deque[Span] = deque(maxlen=MAX_SPANS)
        self._label: str | None = None
        self._since = self._until = self._confidence = 0.0

    @property
    def since(self) -> float | None:
        """Seconds: when the present label began; None without an estimate."""
        return None if self._label is None else self._since

    @property
    def spans(self) -> tuple[Span, ...]:
        """The finished spans that are kept, oldest first, and the present one as the last."""
        return (*self._finished, *(() if self._label is None else (self._present(self._label),)))

    def add(self, label: str, confidence: float, now: float) -> float:
        """Records an estimate and returns the time in seconds at which its label began.

        Args:
            label: Label of the estimate.
            confidence: Its probability, 0…1.
            now: Time of the estimate in seconds. One before the last estimate counts as simultaneous with it.
        """
        if self._label is not None:
            now = max(now, self._until)
        if label != self._label:
            if self._label is not None:
                self._finished.append(self._present(self._label))
            self._label, self._since, self._confidence = label, now, confidence
        self._until = now
        self._confidence = max(self._confidence, confidence)
        return self._since

    def _present(self, label: str) -> Span:
        return Span(label, self._since, self._until, self._confidence)
