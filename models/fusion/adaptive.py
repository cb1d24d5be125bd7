"""Adaptive fusion of two senses: for each clip, a small network weighs what each sense says of each class.

The weights follow the reliability that the clip itself and the clips before show (adaptive fusion of the streams as in
Lee et al., Context-aware emotion recognition networks, ICCV 2019). The same network is applied to every class, so that
it learns how to weigh, not what the actors of the training folds look like; without its correction the result is the
product of the posteriors. In training, senses are disturbed or left out (modality dropout: Neverova et al., ModDrop,
TPAMI 2016).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge.inference.posterior import softmax
from models import training
from models.fusion import masks, readings
from models.fusion.readings import Logs, Readings
from models.fusion.running import Population, against_baseline, entropy, population, relations, running_mean
from models.metrics import fit_temperature
from models.training.fit import StartEpoch

RELATION_STRENGTH: Final = 6.0
"""Number of clips that the population counts for in the running agreement and entropies."""
LIMIT: Final = 4.0
"""Standardised features are clipped to ±`LIMIT`."""
CLEAN_COPIES: Final = 4
"""Undisturbed copies of the training clips for each kind of disturbance and sense, of which there is one copy."""
BATCH: Final = 512
"""Clips per batch."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Hyper-parameters."""

    powers: tuple[float, ...]
    """Exponent of each sense's posterior in the product, from `products.learn`."""
    baseline: float | None = None
    """Strength of the population in a person's baseline, in clips; None without baselines."""
    hidden: int = 32
    """Width of the hidden layer."""
    epochs: int = 12
    """Passes over the training clips."""
    decay: float = 0.1
    """Weight decay."""


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What the network sees of n clips."""

    features: NDArray[np.float32]
    """(n, k, d) features of each class."""
    product: NDArray[np.float32]
    """(n, k) log of the product of the posteriors."""


def margin(log: Logs) -> Logs:
    """(n, k) by how much a class exceeds the best other one."""
    ordered = np.sort(log, axis=1)
    best, second = ordered[:, -1:], ordered[:, -2:-1]
    return np.where(log == best, log - second, log - best)


def inputs(given: Readings, known: Population, order: NDArray[np.int64], settings: Settings) -> Inputs:
    """The features of each class of each clip.

    Args:
        given: What the senses say, each log-posterior already raised to its power.
        known: Means of the training clips.
        order: (n,) the clips in the order in which they are seen.
        settings: Hyper-parameters.
    """
    both = np.asarray(given.present.all(1))
    usual = running_mean(relations(given), both, order, given.persons, known.relations, RELATION_STRENGTH)
    seen = given if settings.baseline is None else against_baseline(given, known, order, settings.baseline)
    first, second = seen.logs
    product = readings.normalised(first + second)
    of_clip = [
        relations(given),
        entropy(product)[:, None],
        given.present.astype(np.float64),
        usual,
    ]
    shared = np.concatenate(of_clip, axis=1)
    of_class = [log for part in (*seen.logs, product) for log in (part, np.exp(part), margin(part))]
    # Products with the entropies and the past agreement let one linear step change the weight of a sense.
    weighing = np.concatenate([relations(given)[:, 1:], usual], axis=1)
    of_class += [log * weight[:, None] for log in seen.logs for weight in weighing.T]
    spread = np.broadcast_to(shared[:, None, :], (len(given), first.shape[1], shared.shape[1]))
    features = np.concatenate([np.stack(of_class, axis=2), spread], axis=2)
    return Inputs(features.astype(np.float32), product.astype(np.float32))


def build(classes: int, size: int, hidden: int) -> Any:
    """Network of features (n, classes, size) and product (n, classes) → logits (n, classes).

    Args:
        classes: Number of classes k.
        size: Number of features of a class.
        hidden: Width of the hidden layer.
    """
    features = keras.Input((classes, size), name="features")
    product = keras.Input((classes,), name="product")
    noisy = layers.GaussianNoise(0.05)(features)
    inner = layers.Dropout(0.2)(layers.Dense(hidden, activation="relu")(noisy))
    # Both start at zero, so that training starts from the product.
    curved = layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inner)
    straight = layers.Dense(1, use_bias=False, kernel_initializer="zeros")(noisy)
    change = layers.Reshape((classes,))(layers.Add()([curved, straight]))
    return keras.Model([features, product], layers.Add(name="logits")([product, change]), name="adaptive_fusion")


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """One trained network with the statistics of its training clips."""

    settings: Settings
    """Hyper-parameters."""
    known: Population
    """Means of the training clips."""
    mean: NDArray[np.float32]
    """(d,) means of the features."""
    deviation: NDArray[np.float32]
    """(d,) deviations of the features, above 0."""
    model: Any
    """The Keras model."""

    def logits(self, given: Readings, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, k) log-probabilities before calibration.

        Args:
            given: What the senses say.
            order: (n,) the clips in the order in which they are seen.
        """
        found = inputs(powered(given, self.settings.powers), self.known, order, self.settings)
        return readings.normalised(self.model([standardised(found.features, self), found.product]).numpy())


@dataclass(frozen=True, slots=True, eq=False)
class Adaptive:
    """Networks that were each trained on all training folds but one, and calibrated on that one."""

    nets: tuple[Net, ...]
    """The networks; their log-posteriors are averaged."""
    temperatures: Mapping[tuple[bool, ...], float]
    """Which senses are present → temperature of the logits."""

    def posterior(self, given: Readings, order: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n, k) calibrated probabilities.

        Args:
            given: What the senses say.
            order: (n,) the clips in the order in which they are seen.
        """
        logits = np.mean([net.logits(given, order) for net in self.nets], axis=0)
        temperature = np.array([self.temperatures.get(pattern, 1.0) for pattern in patterns(given)])
        return softmax(logits / temperature[:, None])


def standardised(features: NDArray[np.float32], net: Net) -> NDArray[np.float32]:
    """Features (n, k, d) in units of the deviations of a network's training clips, within ±`LIMIT`."""
    return np.asarray(np.clip((features - net.mean) / net.deviation, -LIMIT, LIMIT), np.float32)


def patterns(given: Readings) -> list[tuple[bool, ...]]:
    """For each clip, which senses are present."""
    return [tuple(bool(present) for present in row) for row in given.present]


def powered(given: Readings, powers: Sequence[float]) -> Readings:
    """The readings with each posterior raised to a power and normalised again."""
    raised = tuple(readings.normalised(power * log) for power, log in zip(powers, given.logs, strict=True))
    return replace(given, logs=raised)


def disturbed(given: Readings, seed: int) -> list[tuple[Readings, NDArray[np.int64]]]:
    """Training copies, each with its order: undisturbed ones, and one for each mask and sense, two for noise.

    Noise gets two, because it is the one mask that a single reading betrays.
    """
    kinds: list[tuple[str, str] | None] = [None] * CLEAN_COPIES
    kinds += [(sense, mask) for sense in given.senses for mask in (*masks.MASKS, "noise")]
    copies = []
    for number, kind in enumerate(kinds):
        rng = np.random.default_rng((seed, number))
        order = rng.permutation(len(given))
        copies.append((given if kind is None else readings.masked(given, *kind, order, rng), order))
    return copies


class Batches(training.Batches):
    """Shuffled batches of (features, product) and classes."""

    def __init__(self, values: NDArray[np.float32], product: NDArray[np.float32], truth: Any, seed: int) -> None:
        super().__init__(len(truth), BATCH, seed)
        self._values, self._product, self._truth = values, product, truth

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        return (self._values[rows], self._product[rows]), self._truth[rows]


def train(given: Readings, settings: Settings, seed: int) -> Net:
    """Trains one network.

    Args:
        given: Training clips.
        settings: Hyper-parameters.
        seed: Seed of masks, orders, weights and batches.
    """
    known = population(powered(given, settings.powers))
    copies = disturbed(given, seed)
    parts = [inputs(powered(copy, settings.powers), known, order, settings) for copy, order in copies]
    features = np.concatenate([part.features for part in parts])
    product = np.concatenate([part.product for part in parts])
    keras.utils.set_random_seed(seed)
    model = build(features.shape[1], features.shape[2], settings.hidden)
    net = Net(settings, known, features.mean((0, 1)), features.std((0, 1)) + np.float32(1e-3), model)
    batches = Batches(standardised(features, net), product, np.tile(given.truth, len(copies)), seed)
    model.compile(
        optimizer=keras.optimizers.AdamW(
            training.cosine(3e-3, settings.epochs, len(batches), 0), weight_decay=settings.decay
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(batches, epochs=settings.epochs, verbose=0, callbacks=[StartEpoch(batches)])
    return net


def learn(given: Readings, settings: Settings, seed: int) -> Adaptive:
    """Trains a network for each fold left out, and calibrates on what each says of the fold that it has not seen.

    Args:
        given: Training clips of at least two folds, none of a person on whom the result is tested.
        settings: Hyper-parameters.
        seed: Seed of masks, orders, weights and batches.
    """
    nets, logits, truths, seen = [], [], [], []
    for number in np.unique(given.folds):
        held_out = given.rows(given.folds == number)
        net = train(given.rows(given.folds != number), settings, seed + int(number))
        nets.append(net)
        for copy, order in disturbed(held_out, seed):
            logits.append(net.logits(copy, order))
            truths.append(copy.truth)
            seen += patterns(copy)
    outputs, truth = np.concatenate(logits), np.concatenate(truths)
    temperatures = {}
    for pattern in set(seen):
        rows = [row for row, other in enumerate(seen) if other == pattern]
        temperatures[pattern] = fit_temperature(outputs[rows], truth[rows])
    return Adaptive(tuple(nets), temperatures)
