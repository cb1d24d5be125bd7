"""The landmark network: the first blocks of a face-recognition MobileNet and a dense layer for the 68 points."""

from __future__ import annotations

from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops

from edge.face.landmarks import PIXELS
from edge.face.shape import INNER_LIPS, JAW, LEFT_EYE, OUTER_LIPS, POINTS, RIGHT_EYE
from models.face.nets import mobilenet

_FILTERS: Final = (*mobilenet.FILTERS[:5], 160)
"""Filters of the separable blocks; the last block is narrower than in the original."""
_MAPS: Final = 24
"""Channels of the map that the dense layer reads."""

_LIDS: Final = ((37, 41), (38, 40), (43, 47), (44, 46), (61, 67), (62, 66), (63, 65))
"""Pairs of points on opposite lids or lips, whose distance measures how far an eye or the mouth is open."""


def build(dropout: float = 0.1) -> Any:
    """Network (n, 64, 64, 1) float in 0…1 → (n, 136): x and y offsets of each point from the mean shape, scaled."""
    image = keras.Input((PIXELS, PIXELS, 1), name="face")
    maps = mobilenet.features(image, _FILTERS)
    maps = layers.Conv2D(_MAPS, 1, use_bias=False)(maps)
    maps = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.95)(maps))
    flat = layers.Dropout(dropout)(layers.Flatten()(maps))
    return keras.Model(image, layers.Dense(2 * POINTS, name="offsets")(flat), name="landmarks68")


def _weights() -> Any:
    weights = np.ones(POINTS, np.float32)
    weights[list(JAW)] = 0.6
    weights[[*RIGHT_EYE, *LEFT_EYE]] = 2.0
    weights[[*OUTER_LIPS, *INNER_LIPS]] = 1.3
    return weights / weights.mean()


def loss(truth: Any, found: Any) -> Any:
    """Weighted mean absolute error of the points plus that of the gaps between lids and between lips.

    Eyes and lips have larger weights. The gaps have a term of their own because they are only a few hundredths of a
    face wide and would otherwise be dominated by the position error of the whole eye.
    """
    truth, found = (ops.reshape(points, (-1, POINTS, 2)) for points in (truth, found))
    points = ops.mean(ops.abs(truth - found) * _weights()[None, :, None])
    upper, lower = (np.array(side) for side in zip(*_LIDS, strict=True))
    gaps = [ops.take(shape, upper, axis=1) - ops.take(shape, lower, axis=1) for shape in (truth, found)]
    return points + 1.5 * ops.mean(ops.abs(gaps[0] - gaps[1]))
