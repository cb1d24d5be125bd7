"""Where a face will be: a Kalman filter of its centre, whose velocity fades as people stop and turn."""

from __future__ import annotations

import math
from typing import Final

from edge.face.boxes import Box

_PACE: Final = 1.5
"""Standard deviation of a face's velocity, in its own widths a second: a stroll, or a camera that turns."""
_PERSISTENCE_S: Final = 1.5
"""Time constant with which the velocity is forgotten."""
_BOX_NOISE: Final = 0.1
"""Standard deviation of a detected centre, in widths of the face: the detector's own, and the camera's shake."""
_SIZE_NOISE: Final = 0.1
"""Standard deviation of the logarithm of a detected width."""
_SIZE_PACE: Final = 0.3
"""How much the logarithm of the width spreads in a second."""
_SIZE_GAIN: Final = 0.4
_LOST_S: Final = 0.7
"""After so long a gap the velocity begins anew: the way there is not known."""


class Motion:
    """Centre and velocity (an Ornstein–Uhlenbeck process, as in Kalman & Bucy, 1961) and width of one face.

    Distances and variances are in widths of the face, so that near and far faces move alike.
    """

    def __init__(self, box: Box) -> None:
        self._size = math.log(max(1.0, box.width))
        self._begin(box)

    def _begin(self, box: Box) -> None:
        (self._x, self._y), self._vx, self._vy = box.centre, 0.0, 0.0
        self._var_x, self._cov, self._var_v = _BOX_NOISE**2, 0.0, _PACE**2

    def predict(self, seconds: float) -> tuple[float, float, float]:
        """The centre in pixels after `seconds`, and its variance per axis in squared widths of the face."""
        fade = math.exp(-seconds / _PERSISTENCE_S)
        reach = _PERSISTENCE_S * (1 - fade)
        return self._x + reach * self._vx, self._y + reach * self._vy, self._spread(seconds)[0]

    def _spread(self, seconds: float) -> tuple[float, float, float]:
        """Variance of place, covariance and variance of velocity after `seconds`."""
        fade = math.exp(-seconds / _PERSISTENCE_S)
        reach, pace = _PERSISTENCE_S * (1 - fade), _PACE**2
        wander = 2 * seconds / _PERSISTENCE_S - 3 + 4 * fade - fade**2
        var_x = self._var_x + 2 * reach * self._cov + reach**2 * self._var_v + pace * _PERSISTENCE_S**2 * wander
        cov = fade * self._cov + reach * fade * self._var_v + pace * _PERSISTENCE_S * (1 - fade) ** 2
        return var_x, cov, fade**2 * self._var_v + pace * (1 - fade**2)

    def box(self, seconds: float) -> Box:
        """The face's box after `seconds`."""
        x, y, _ = self.predict(seconds)
        side = math.exp(self._size)
        return Box(x - side / 2, y - side / 2, side, side)

    def log_density(self, box: Box, seconds: float, anywhere: float, area: float) -> float:
        """Natural logarithm of the density with which a face here is found as `box` after `seconds`.

        Over the centre in squared widths of the face and the logarithm of the width. With probability `anywhere`
        the centre is evenly spread over `area` (squared widths) instead: someone who went away comes back elsewhere.
        """
        x, y, variance = self.predict(seconds)
        variance += _BOX_NOISE**2
        side = math.exp(self._size)
        away = ((box.centre[0] - x) ** 2 + (box.centre[1] - y) ** 2) / side**2
        near = math.exp(-min(away / (2 * variance), 700.0)) / (2 * math.pi * variance)
        place = (1 - anywhere) * near + anywhere / area
        size_variance = _SIZE_NOISE**2 + _SIZE_PACE**2 * seconds
        growth = math.log(max(1.0, box.width)) - self._size
        size = -0.5 * math.log(2 * math.pi * size_variance) - growth**2 / (2 * size_variance)
        return math.log(max(place, 1e-300)) + size

    def found(self, box: Box, seconds: float) -> None:
        """Takes in where the face was found, `seconds` after it was last."""
        measured = math.log(max(1.0, box.width))
        if seconds > _LOST_S:
            self._size = measured
            self._begin(box)
            return
        x, y, _ = self.predict(seconds)
        fade = math.exp(-seconds / _PERSISTENCE_S)
        var_x, cov, var_v = self._spread(seconds)
        gain_x, gain_v = var_x / (var_x + _BOX_NOISE**2), cov / (var_x + _BOX_NOISE**2)
        off_x, off_y = box.centre[0] - x, box.centre[1] - y
        self._x, self._y = x + gain_x * off_x, y + gain_x * off_y
        self._vx, self._vy = fade * self._vx + gain_v * off_x, fade * self._vy + gain_v * off_y
        self._var_x, self._cov, self._var_v = (1 - gain_x) * var_x, (1 - gain_x) * cov, var_v - gain_v * cov
        self._size += _SIZE_GAIN * (measured - self._size)
