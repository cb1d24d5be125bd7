"""How loud the room is under a voice, and how far the voice stands out of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

LOWEST_DBFS: Final = -70.0
HIGHEST_DBFS: Final = -20.0
LEAST_SNR_DB: Final = -10.0
"""Below, a voice can't be told from the noise."""
MOST_SNR_DB: Final = 60.0

_FOLLOW: Final = 0.02
"""Share of a step's power that enters the floor: a time constant of 0.5 s."""
_SURE_STEPS: Final = 20
"""Heard less than this, the floor before an utterance is not known."""
_MOST_RISE: Final = 10.0
"""A step counts at most so many times the floor: a click is no noise of the room."""
_QUIET_SHARE: Final = 0.1
"""The quietest tenth of an utterance: its pauses."""

_ACTIVE_SHARE: Final = 0.7


class NoiseFloor:
    """Mean power of the steps without speech, followed over time."""

    def __init__(self) -> None:
        self._power = 10 ** (LOWEST_DBFS / 10)
        self._heard = 0

    @property
    def dbfs(self) -> float:
        """Now, in `LOWEST_DBFS`…`HIGHEST_DBFS`."""
        return min(HIGHEST_DBFS, max(LOWEST_DBFS, 10 * math.log10(self._power)))

    def follow(self, level_dbfs: float) -> None:
        """One step of 10 ms in which nobody spoke."""
        self._heard += 1
        power = 10 ** (level_dbfs / 10)
        if self._heard > _SURE_STEPS:
            power = min(power, _MOST_RISE * self._power)
        self._power += max(_FOLLOW, 1 / self._heard) * (power - self._power)
        self._power = max(self._power, 10 ** (LOWEST_DBFS / 10))

    def under(self, levels_dbfs: Sequence[float], after_dbfs: Sequence[float] = ()) -> float:
        """Of the noise during an utterance with these steps: what came before, but no louder than its pauses.

        `after_dbfs`: of the steps after it, if it is over. What is heard then and was not before began meanwhile.
        """
        before = self.dbfs if self._heard >= _SURE_STEPS else HIGHEST_DBFS
        floor = min(before, _quiet(levels_dbfs))
        return max(floor, _quiet(after_dbfs)) if len(after_dbfs) >= _SURE_STEPS else floor


def _quiet(levels_dbfs: Sequence[float]) -> float:
    quiet = sorted(levels_dbfs)[int(_QUIET_SHARE * len(levels_dbfs))]
    return min(HIGHEST_DBFS, max(LOWEST_DBFS, quiet))


def snr_db(levels_dbfs: Sequence[float], voiced: int, floor_dbfs: float) -> float:
    """Power of a voice without the noise in it against the noise, in `LEAST_SNR_DB`…`MOST_SNR_DB`.

    `levels_dbfs`: of the steps from the first voiced one to the last; `voiced`: how many of them stood out.
    The power is that of the active voice, as in ITU-T P.56: pauses don't count. In loud noise the softer part of the
    voice is covered; it's then taken to be active in `_ACTIVE_SHARE` of the time, else only its peaks would count.
    """
    noise = 10 ** (floor_dbfs / 10)
    voice = sum(10 ** (level / 10) - noise for level in levels_dbfs)
    ratio = voice / max(1.0, voiced, _ACTIVE_SHARE * len(levels_dbfs)) / noise
    return min(MOST_SNR_DB, 10 * math.log10(max(10 ** (LEAST_SNR_DB / 10), ratio)))
