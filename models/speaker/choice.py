"""Fits the choice among the faces and nobody: a conditional logit (McFadden, 1974), solved by Newton's method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.speaker.synchrony import FEATURES
from models.speaker.scenes import OFF_SCREEN

PENALTY: Final = 0.01
"""Penalty of the squared weights, relative to the mean log-likelihood of a choice."""
_ROUNDS: Final = 50
"""Number of Newton steps; it converges in about ten."""


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """One span of a scene: the features of each face, and who spoke."""

    features: NDArray[np.float64]
    """(faces, 2)."""
    seconds: float
    """Seconds of sound compared."""
    speaker: int
    """Index of the face that spoke; `OFF_SCREEN`."""
    kind: str
    """Kind of the scene."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The fitted numbers, as `edge.speaker.model.Parameters` has them."""

    faces: tuple[float, ...]
    """Weight of each feature."""
    off_screen: tuple[float, float]
    """Constant, and factor of the logarithm of the seconds."""


def fit(choices: Sequence[Choice]) -> Weights:
    """Fits the weights that make the choices most probable."""
    rows, offered, chosen = _arrays(choices)
    weights = np.zeros(rows.shape[2])
    at = np.arange(len(choices))
    for _ in range(_ROUNDS):
        p = _probabilities(rows, offered, weights)
        mean = np.einsum("ij,ijf->if", p, rows)
        gradient = (rows[at, chosen] - mean).mean(0) - PENALTY * weights
        curvature = np.einsum("ij,ijf,ijg->fg", p, rows, rows) / len(at) - mean.T @ mean / len(at)
        weights = weights + np.linalg.solve(curvature + PENALTY * np.eye(len(weights)), gradient)
    count = len(FEATURES)
    return Weights(tuple(weights[:count].tolist()), (float(weights[count]), float(weights[count + 1])))


def probabilities(choices: Sequence[Choice], weights: Weights) -> NDArray[np.float64]:
    """Returns (n, 1 + most faces): the probability of nobody in the image, and of each face."""
    rows, offered, _ = _arrays(choices)
    return _probabilities(rows, offered, np.array([*weights.faces, *weights.off_screen]))


def answers(choices: Sequence[Choice]) -> NDArray[np.int64]:
    """Returns (n,): the right columns of `probabilities`."""
    return _arrays(choices)[2]


def _arrays(choices: Sequence[Choice]) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    most = 1 + max(len(choice.features) for choice in choices)
    count = len(FEATURES)
    rows, offered = np.zeros((len(choices), most, count + 2)), np.zeros((len(choices), most), bool)
    for index, choice in enumerate(choices):
        faces = len(choice.features)
        rows[index, 0, count:] = 1.0, np.log(choice.seconds + 0.1)
        rows[index, 1 : 1 + faces, :count] = choice.features
        offered[index, : 1 + faces] = True
    return rows, offered, np.array([0 if c.speaker == OFF_SCREEN else c.speaker + 1 for c in choices])


def _probabilities(
    rows: NDArray[np.float64], offered: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    scores = np.where(offered, rows @ weights, -np.inf)
    exponential = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(exponential / exponential.sum(1, keepdims=True))
