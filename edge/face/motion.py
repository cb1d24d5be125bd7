"""Predicts the position of a face with a Kalman filter whose velocity decays, because people stop and turn."""

from __future__ import annotations

import math
from typing import Final

from edge.face.boxes import Box

_VELOCITY_SD: Final = 1.5
"""Standard deviation of a face's velocity, in face widths per second: a stroll, or a camera that turns."""
_VELOCITY_DECAY_S: Final = 1.5
"""Time constant of the velocity's decay in seconds."""
_BOX_NOISE: Final = 0.1
"""Standard deviation of a detected centre in face widths, from detector noise and camera shake."""
_SIZE_NOISE: Final = 0.1
"""Standard deviation of the logarithm of a detected width."""
_SIZE_DRIFT: Final = 0.3
"""Standard deviation that the logarithm of the width gains in one second."""
_SIZE_GAIN: Final = 0.4
"""Weight of a new detection in the smoothed logarithm of the width."""
_MAX_GAP_S: Final = 0.7
"""Gap between detections in seconds after which the velocity is reset, because the path in between is unknown."""


class Motion:
    """State of one face: centre, velocity (an Ornstein–Uhlenbeck process, see Kalman & Bucy, 1961) and width.

    Variances are in squared face widths, so that near and far faces follow the same model.
    """

    def __init__(self, box: Box) -> None:
        self._size = math.log(max(1.0, box.width))
        self._reset(box)

    def _reset(self, box: Box) -> None:
        (self._x, self._y), self._vx, self._vy = box.centre, 0.0, 0.0
        self._var_x, self._cov, self._var_v = _BOX_NOISE**2, 0.0, _VELOCITY_SD**2

    def predict(self, seconds: float) -> tuple[float, float, float]:
        """Returns x and y of the centre in pixels after `seconds`, and its variance per axis in squared face widths."""
        fade = math.exp(-seconds / _VELOCITY_DECAY_S)
        reach = _VELOCITY_DECAY_S * (1 - fade)
        return self._x + reach * self._vx, self._y + reach * self._vy, self._spread(seconds)[0]

    def _spread(self, seconds: float) -> tuple[float, float, float]:
        """Returns the variance of the position, the covariance, and the variance of the velocity after `seconds`."""
        fade = math.exp(-seconds / _VELOCITY_DECAY_S)
        reach, pace = _VELOCITY_DECAY_S * (1 - fade), _VELOCITY_SD**2
        wander = 2 * seconds / _VELOCITY_DECAY_S - 3 + 4 * fade - fade**2
        var_x = self._var_x + 2 * reach * self._cov + reach**2 * self._var_v + pace * _VELOCITY_DECAY_S**2 * wander
        cov = fade * self._cov + reach * fade * self._var_v + pace * _VELOCITY_DECAY_S * (1 - fade) ** 2
        return var_x, cov, fade**2 * self._var_v + pace * (1 - fade**2)

    def box(self, seconds: float) -> Box:
        """Returns the predicted box of the face after `seconds`."""
        x, y, _ = self.predict(seconds)
        side = math.exp(self._size)
        return Box(x - side / 2, y - side / 2, side, side)

    def log_density(self, box: Box, seconds: float, anywhere: float, area: float) -> float:
        """Returns the natural logarithm of the probability density of a detection, given this face.

        The density is over the centre in face widths and the logarithm of the width.

        Args:
            box: The detection, in pixels of the frame.
            seconds: Time since the face was last found.
            anywhere: Probability, 0…1, that the centre is uniformly distributed over `area` instead of predicted,
                because a person who left comes back elsewhere.
            area: Area of the frame in squared face widths.
        """
        x, y, variance = self.predict(seconds)
        variance += _BOX_NOISE**2
        side = math.exp(self._size)
        squared_distance = ((box.centre[0] - x) ** 2 + (box.centre[1] - y) ** 2) / side**2
        near = math.exp(-min(squared_distance / (2 * variance), 700.0)) / (2 * math.pi * variance)
        place = (1 - anywhere) * near + anywhere / area
        size_variance = _SIZE_NOISE**2 + _SIZE_DRIFT**2 * seconds
        growth = math.log(max(1.0, box.width)) - self._size
        size = -0.5 * math.log(2 * math.pi * size_variance) - growth**2 / (2 * size_variance)
        return math.log(max(place, 1e-300)) + size

    def found(self, box: Box, seconds: float) -> None:
        """Updates the filter with a detection, `seconds` after the previous one."""
        measured = math.log(max(1.0, box.width))
        if seconds > _MAX_GAP_S:
            self._size = measured
            self._reset(box)
            return
        x, y, _ = self.predict(seconds)
        fade = math.exp(-seconds / _VELOCITY_DECAY_S)
        var_x, cov, var_v = self._spread(seconds)
        gain_x, gain_v = var_x / (var_x + _BOX_NOISE**2), cov / (var_x + _BOX_NOISE**2)
        off_x, off_y = box.centre[0] - x, box.centre[1] - y
        self._x, self._y = x + gain_x * off_x, y + gain_x * off_y
        self._vx, self._vy = fade * self._vx + gain_v * off_x, fade * self._vy + gain_v * off_y
        self._var_x, self._cov, self._var_v = (1 - gain_x) * var_x, (1 - gain_x) * cov, var_v - gain_v * cov
        self._size += _SIZE_GAIN * (measured - self._size)
