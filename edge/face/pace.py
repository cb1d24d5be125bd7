"""In how many looks the search of a frame may be shared so that a new face is found in time, at any frame rate."""

from __future__ import annotations

from typing import Final

NEW_FACE_S: Final = 0.3
"""Within so many seconds a new face must be found."""
_HAIR_S: Final = 1e-3
"""By which a frame may be late."""
_MEMORY_S: Final = 1.0
"""How far back looks are counted: one that came late may come late again."""


class Pace:
    """Counts the looks of one stream. No clock, not thread-safe."""

    def __init__(self) -> None:
        self._looks: list[float] = []

    def rounds(self, now: float) -> int:
        """Over how many looks, with this one at `now` (seconds), the search may be shared; at least 1.

        As many as followed each look of the last second within `NEW_FACE_S`; 1 until that is known: at the beginning,
        after a pause and where time goes back.
        """
        self._looks = [at for at in self._looks if 0 < now - at <= _MEMORY_S]
        gap = now - self._looks[-1] if self._looks else 0.0
        self._looks.append(now)
        limit = NEW_FACE_S + _HAIR_S
        # Only of looks for which the next one is expected too late.
        ended = [at for at in self._looks if now + gap - at > limit]
        return max(1, min((sum(0 < later - at <= limit for later in self._looks) for at in ended), default=1))
