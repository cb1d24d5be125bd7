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
"""Signal-to-noise ratios are clipped to this minimum; a voice below it cannot be distinguished from the noise."""
MOST_SNR_DB: Final = 60.0
"""Signal-to-noise ratios are clipped to this maximum."""

_FLOOR_UPDATE: Final = 0.02
"""Weight of a step's power in the moving average of the floor: a time constant of 0.5 s."""
_MIN_STEPS: Final = 20
"""Number of steps without speech after which the noise floor counts as known."""
_MAX_RISE: Final = 10.0
"""The power of a step is limited to this many times that of the floor, so that a click does not raise the floor."""
_QUIET_SHARE: Final = 0.1
"""Share of an utterance, its quietest steps, that is assumed to be pauses."""
_ACTIVE_SHARE: Final = 0.7
"""Minimum share of an utterance in which the voice is assumed to be active."""


class NoiseFloor:
    """Moving average of the power of the steps without speech."""

    def __init__(self) -> None:
        self._power = 10 ** (LOWEST_DBFS / 10)
        self._steps_seen = 0

    @property
    def dbfs(self) -> float:
        """The present level, in `LOWEST_DBFS`…`HIGHEST_DBFS`."""
        return min(HIGHEST_DBFS, max(LOWEST_DBFS, 10 * math.log10(self._power)))

    @property
    def known(self) -> bool:
        """Whether enough steps without speech were received."""
        return self._steps_seen >= _MIN_STEPS

    def follow(self, level_dbfs: float) -> None:
        """Updates the floor with the level of one 10 ms step without speech."""
        self._steps_seen += 1
        power = 10 ** (level_dbfs / 10)
        if self._steps_seen > _MIN_STEPS:
            power = min(power, _MAX_RISE * self._power)
        self._power += max(_FLOOR_UPDATE, 1 / self._steps_seen) * (power - self._power)
        self._power = max(self._power, 10 ** (LOWEST_DBFS / 10))

    def under(self, levels_dbfs: Sequence[float], after_dbfs: Sequence[float] = ()) -> float:
        """The level of the noise during an utterance, in dBFS.

        It is the floor before the utterance, limited from above by the utterance's own pauses, and from below by the
        steps after it, because their noise may have begun during the utterance.

        Args:
            levels_dbfs: Level of each step of the utterance.
            after_dbfs: Level of each step after the utterance; empty while it is in progress.
        """
        before = self.dbfs if self.known else HIGHEST_DBFS
        floor = min(before, _quiet_level(levels_dbfs))
        return max(floor, _quiet_level(after_dbfs)) if len(after_dbfs) >= _MIN_STEPS else floor


def _quiet_level(levels_dbfs: Sequence[float]) -> float:
    quiet = sorted(levels_dbfs)[int(_QUIET_SHARE * len(levels_dbfs))]
    return min(HIGHEST_DBFS, max(LOWEST_DBFS, quiet))


def snr_db(levels_dbfs: Sequence[float], voiced: int, floor_dbfs: float) -> float:
    """Signal-to-noise ratio in dB, `LEAST_SNR_DB`…`MOST_SNR_DB`: power of the voice alone over power of the noise.

    The power is that of the active voice as in ITU-T P.56, without pauses. Loud noise masks the softer parts of a
    voice, so that only its peaks would count; the voice is therefore assumed to be active at least 70 % of the time.

    Args:
        levels_dbfs: Level of each step from the first voiced one to the last.
        voiced: Number of these steps that are voiced.
        floor_dbfs: Level of the noise.
    """
    noise = 10 ** (floor_dbfs / 10)
    voice = sum(10 ** (level / 10) - noise for level in levels_dbfs)
    ratio = voice / max(1.0, voiced, _ACTIVE_SHARE * len(levels_dbfs)) / noise
    return min(MOST_SNR_DB, 10 * math.log10(max(10 ** (LEAST_SNR_DB / 10), ratio)))
