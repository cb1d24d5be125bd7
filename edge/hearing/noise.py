"""The level of the background noise, and the signal-to-noise ratio of a voice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

LOWEST_DBFS: Final = -70.0
"""The noise floor is never taken to be lower than this."""
HIGHEST_DBFS: Final = -20.0
"""The noise floor is never taken to be higher than this."""
LEAST_SNR_DB: Final = -10.0
"""Below this ratio a voice cannot be distinguished from the noise."""
MOST_SNR_DB: Final = 60.0
"""Ratios above this are reported as this."""

_FOLLOW: Final = 0.02
"""Share of a step's power that enters the floor: a time constant of 0.5 s."""
_SURE_STEPS: Final = 20
"""Steps without speech after which the noise floor counts as known."""
_MOST_RISE: Final = 10.0
"""A step counts with at most this many times the power of the floor, so that a click does not raise it."""
_QUIET_SHARE: Final = 0.1
"""The quietest tenth of an utterance is taken to be its pauses."""
_ACTIVE_SHARE: Final = 0.7
"""Share of an utterance in which the voice is assumed to be active at least."""


class NoiseFloor:
    """Mean power of the steps without speech, followed over time."""

    def __init__(self) -> None:
        self._power = 10 ** (LOWEST_DBFS / 10)
        self._heard = 0

    @property
    def dbfs(self) -> float:
        """The present level, in `LOWEST_DBFS`…`HIGHEST_DBFS`."""
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
        """The level of the noise during an utterance, in dBFS.

        It is the floor before the utterance, but not louder than the utterance's own pauses, and not quieter than the
        steps after it, because noise that is heard then may have begun during the utterance.

        Args:
            levels_dbfs: Level of each step of the utterance.
            after_dbfs: Level of each step after the utterance, empty while it goes on.
        """
        before = self.dbfs if self._heard >= _SURE_STEPS else HIGHEST_DBFS
        floor = min(before, _quiet(levels_dbfs))
        return max(floor, _quiet(after_dbfs)) if len(after_dbfs) >= _SURE_STEPS else floor


def _quiet(levels_dbfs: Sequence[float]) -> float:
    quiet = sorted(levels_dbfs)[int(_QUIET_SHARE * len(levels_dbfs))]
    return min(HIGHEST_DBFS, max(LOWEST_DBFS, quiet))


def snr_db(levels_dbfs: Sequence[float], voiced: int, floor_dbfs: float) -> float:
    """Signal-to-noise ratio in dB, `LEAST_SNR_DB`…`MOST_SNR_DB`: power of the voice alone over power of the noise.

    The power is that of the active voice as in ITU-T P.56: pauses do not count. Loud noise covers the softer part of a
    voice; the voice is therefore taken to be active in at least `_ACTIVE_SHARE` of the time, otherwise only its peaks
    would count.

    Args:
        levels_dbfs: Level of each step from the first voiced one to the last.
        voiced: How many of these steps are voiced.
        floor_dbfs: Level of the noise.
    """
    noise = 10 ** (floor_dbfs / 10)
    voice = sum(10 ** (level / 10) - noise for level in levels_dbfs)
    ratio = voice / max(1.0, voiced, _ACTIVE_SHARE * len(levels_dbfs)) / noise
    return min(MOST_SNR_DB, 10 * math.log10(max(10 ** (LEAST_SNR_DB / 10), ratio)))
