"""Learns how the posteriors of one model relate to the truth.

A multinomial logistic regression on the log-posterior, fitted with all labels weighted alike, gives the posterior that
the same observation would have if all labels were equally frequent, and so the likelihood of each label. It is shrunk
towards a multiple of the identity, that is, towards the posterior divided by the prior that it implies, at another
temperature. How much it is shrunk, and
which coefficients are free, is chosen by cross-validation on the same validation data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT
from edge.fusion.evidence import FLOOR
from edge.fusion.parameters import Reliability
from edge.inference.card import Card
from models.fusion.samples import Samples

FOLDS: Final = 5
"""Number of folds of the cross-validation."""
STRENGTHS: Final = (0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
"""Penalties of the squared distance from a multiple of the identity that are tried."""
_SCALES: Final = tuple(np.geomspace(0.5, 2.5, 33).tolist())
"""Multiples of the identity that are tried."""
_STEPS: Final = 30
"""Maximum number of Newton steps."""


def inputs(samples: Samples, prior: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """(n, 8) inputs of the map: logarithms of posterior over prior and 1, times quality to the power of `exponent`."""
    given = np.maximum(samples.posterior, FLOOR)
    odds = np.log(given / given.sum(1, keepdims=True)) - np.log(prior)
    return np.asarray(np.concatenate([odds, np.ones((len(odds), 1))], 1) * (samples.quality**exponent)[:, None])


def log_posterior(map_: NDArray[np.float64], given: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 7) logarithms of the posterior under equally frequent labels, from a (7, 8) map and (n, 8) inputs."""
    found = given @ map_.T
    found = found - found.max(1, keepdims=True)
    return np.asarray(found - np.log(np.exp(found).sum(1, keepdims=True)))


IDENTITY: Final = np.concatenate([np.eye(COUNT), np.zeros((COUNT, 1))], 1)
"""(7, 8) map that leaves the log-odds as they are: a matrix, and a bias in the last column."""


def balanced(label: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) weights with the sum 1 that give every label that occurs the same weight."""
    count = np.bincount(label, minlength=COUNT)
    weight = 1.0 / count[label]
    return np.asarray(weight / weight.sum())


def loss(log: NDArray[np.float64], label: NDArray[np.int64]) -> float:
    """Negative log-likelihood, nats, mean over the labels; `log`: (n, 7) log-posteriors, `label`: (n,) true labels."""
    return float(-(balanced(label) * log[np.arange(len(label)), label]).sum())


def fit(given: NDArray[np.float64], label: NDArray[np.int64], strength: float) -> NDArray[np.float64]:
    """The map with the lowest penalised loss, (7, 8), found by Newton's method (the problem is convex).

    The penalty is on the distance from a multiple of the identity, so that one common temperature is free.

    Args:
        given: (n, 8) `inputs`.
        label: (n,) indices of the true labels.
        strength: Penalty of the squared distance.
    """
    weight, truth = balanced(label), np.eye(COUNT)[label]
    centre = IDENTITY * min(_SCALES, key=lambda scale: loss(log_posterior(scale * IDENTITY, given), label))
    found = centre
    size = found.size
    for _ in range(_STEPS):
        share = np.exp(log_posterior(found, given))
        gradient = ((share - truth) * weight[:, None]).T @ given + 2 * strength * (found - centre)
        curvature = np.zeros((*found.shape, *found.shape))
        for row in range(COUNT):
            for column in range(row, COUNT):
                factor = weight * share[:, row] * ((row == column) - share[:, column])
                curvature[row, :, column, :] = (given * factor[:, None]).T @ given
                curvature[column, :, row, :] = curvature[row, :, column, :].T
        hessian = curvature.reshape(size, size) + (2 * strength + 1e-9) * np.eye(size)
        step = np.linalg.solve(hessian, gradient.ravel()).reshape(found.shape)
        found = found - step
        if np.abs(step).max() < 1e-5:
            break
    return np.asarray(found)


def out_of_fold(given: NDArray[np.float64], samples: Samples, strength: float) -> NDArray[np.float64]:
    """(n, 7) log-posteriors of each sample by a map that was fitted without its group; `given`: (n, 8) `inputs`."""
    fold = fold_of(samples.group)
    found = np.empty((len(samples), COUNT))
    for number in range(FOLDS):
        here = fold == number
        found[here] = log_posterior(fit(given[~here], samples.label[~here], strength), given[here])
    return found


def fold_of(group: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) numbers of the folds, 0…`FOLDS` − 1; a group stays in one fold."""
    _, number = np.unique(group, return_inverse=True)
    return np.asarray(np.random.default_rng(0).permutation(number.max() + 1)[number] % FOLDS)


@dataclass(frozen=True)
class Learnt:
    """The reliability of one model and how it was chosen."""

    reliability: Reliability
    """What the fusion uses."""
    exponent: float
    """Exponent of the quality."""
    strength: float
    """Penalty with the lowest out-of-fold loss."""
    before: float
    """Loss of the posterior divided by its prior alone, nats."""
    after: float
    """Out-of-fold loss of the map, nats."""
    log_posterior: NDArray[np.float64]
    """(n, 7) out-of-fold log-posteriors under equally frequent labels."""


def learn(samples: Samples, card: Card, exponents: Sequence[float] = (0.0,)) -> Learnt:
    """Learns the reliability of the model with `card` from validation data.

    The exponent of the quality and the penalty are chosen by the loss of maps on samples of other groups than those
    that they were fitted to.

    Args:
        samples: Observations of the model on data that it did not train on.
        card: Its card.
        exponents: Exponents of the quality that are tried.
    """
    prior = implied_prior(samples, card)

    def tried(strength: float, exponent: float) -> float:
        return loss(out_of_fold(inputs(samples, prior, exponent), samples, strength), samples.label)

    before = loss(log_posterior(IDENTITY, inputs(samples, prior, 0.0)), samples.label)
    exponent = min(exponents, key=lambda one: tried(STRENGTHS[len(STRENGTHS) // 2], one))
    strength = min(STRENGTHS, key=lambda one: tried(one, exponent))
    found = out_of_fold(inputs(samples, prior, exponent), samples, strength)
    after = loss(found, samples.label)
    best = fit(inputs(samples, prior, exponent), samples.label, strength)
    rounded = np.round(prior, 4)
    return Learnt(
        Reliability(
            model=card.name,
            sha256=card.sha256,
            prior=tuple((rounded / rounded.sum()).round(6).tolist()),
            matrix=tuple(tuple(row) for row in best[:, :COUNT].round(4).tolist()),
            bias=tuple(best[:, COUNT].round(4).tolist()),
        ),
        exponent,
        strength,
        before,
        after,
        found,
    )


def implied_prior(samples: Samples, card: Card) -> NDArray[np.float64]:
    """The prior that a model's posterior implies: that of its card, else the mean of its posteriors.

    The mean posterior of a calibrated model on data as it was calibrated on is the frequency of the labels there.
    """
    stated = getattr(card, "prior", None)
    if stated:
        return np.asarray([stated[label] for label in card.labels] if isinstance(stated, dict) else stated, np.float64)
    return np.asarray(samples.posterior.mean(0))
