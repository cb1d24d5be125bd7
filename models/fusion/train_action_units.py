"""`python -m models.fusion.train_action_units --data DIR`: trains the action-unit network of each actor fold, int8.

Number of epochs and all other settings are fixed; the temperature of a network is fitted on what the networks of the
other folds say of actors that they have not seen.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge.inference.card import Corpus, Score
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.fusion import action_units
from models.fusion.action_units import Clips, Scaling
from models.metrics import fit_temperature, single_label
from models.training import finish
from models.training.finish import Calibration, Converted, Ending, convert_both, int8
from models.training.fit import StartEpoch
from models.voice.protocols.folds import CLASSES

BATCH: Final = 64
"""Clips per batch."""
HIDDEN: Final = 64
"""Width of the hidden layer."""
NOISE: Final = 0.3
"""Standard deviation of the noise added to standardised features."""
MIXUP: Final = 0.4
"""Both parameters of the beta distribution of the mixing weight (mixup: Zhang et al., ICLR 2018)."""
SMOOTHING: Final = 0.05
"""Share of each target that is spread over all classes."""
LABELS: Final = CLASSES["RAVDESS"]
"""The classes, in the order of the outputs."""


def build() -> Any:
    """Network (1, 35) standardised action units → (1, 8) logits."""
    units = keras.Input((action_units.SIZE,), name="action_units")
    hidden = layers.Dropout(0.2)(layers.Dense(HIDDEN, activation="relu")(units))
    return keras.Model(units, layers.Dense(len(LABELS), name="logits")(hidden), name="action_units")


class Batches(training.Batches):
    """(64, 35) batches with mixup and noise, and their soft targets."""

    def __init__(self, values: NDArray[np.float32], truth: NDArray[np.int64], seed: int) -> None:
        super().__init__(len(truth), BATCH, seed)
        self._values = values
        self._targets = np.eye(len(LABELS))[truth] * (1 - SMOOTHING) + SMOOTHING / len(LABELS)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> Any:
        share, other = rng.beta(MIXUP, MIXUP, (len(rows), 1)), rng.permutation(rows)
        values = share * self._values[rows] + (1 - share) * self._values[other]
        noise = NOISE * rng.standard_normal(values.shape)
        return (values + noise).astype(np.float32), share * self._targets[rows] + (1 - share) * self._targets[other]


def train(values: NDArray[np.float32], truth: NDArray[np.int64], epochs: int, seed: int) -> Any:
    """The float network of one fold.

    Args:
        values: (n, 35) standardised features of the training clips.
        truth: (n,) classes.
        epochs: Number of epochs.
        seed: Seed of weights, order, mixup and noise.
    """
    keras.utils.set_random_seed(seed)
    batches = Batches(values, truth, seed)
    net = build()
    net.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, epochs, len(batches)), weight_decay=0.03),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    net.fit(batches, epochs=epochs, verbose=0, callbacks=[StartEpoch(batches)])
    return net


def outputs(model: bytes, scaling: Scaling, features: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 8) logits of a converted network for (n, 35) features."""
    interpreter = Interpreter(model)
    return np.stack([interpreter.run(value[None])[0][0] for value in scaling.apply(features)])


def ending(clips: Clips, number: int, scaling: Scaling, temperature: float, command: str) -> Ending:
    """Contents of the card of one fold's network.

    Args:
        clips: All clips.
        number: Number of the fold.
        scaling: Scaling of the features.
        temperature: Temperature fitted on the other folds.
        command: Command line that trains the same networks again.
    """
    test = clips.folds == number

    def score(form: str, model: bytes, fitted: Calibration) -> list[Score]:
        posterior = softmax(outputs(model, scaling, clips.features[test]), fitted.temperature)
        protocol = f"RAVDESS, 8 classes, actors of fold {number}"
        return [single_label(form, protocol, posterior, clips.truth[test], LABELS)]

    return Ending(
        name=f"action_units{number}",
        task="emotion in facial action units, measured on actors left out",
        command=command,
        recipe=(
            f"one hidden layer of {HIDDEN}; mixup, noise on the standardised features, label smoothing, dropout; AdamW "
            "with cosine schedule, fixed epochs; int8 after training"
        ),
        training=[
            Corpus(
                name="RAVDESS (OpenFace action units of MMEmotionRecognition)",
                terms="CC BY-NC-SA 4.0, Livingstone & Russo 2018; action units MIT",
                rows=int((~test).sum()),
            )
        ],
        front_end=scaling.front_end(),
        quantise=int8(()),
        labels=LABELS,
        calibrate=lambda _: Calibration(temperature),
        score=score,
        notes=[
            f"one of the {action_units.FOLDS} nets that measure the fusion on RAVDESS; no device computes action units",
        ],
        input_meanings=["action units averaged over a clip, standardised"],
        output_meanings=["logits in the order of labels, before the temperature"],
    )


def of_fold(clips: Clips, number: int, arguments: Namespace) -> tuple[Scaling, Converted]:
    """Trains and converts the network of a fold."""
    seen = clips.folds != number
    scaling = Scaling.of(clips.features[seen])
    values = scaling.apply(clips.features[seen])
    net = train(values, clips.truth[seen], arguments.epochs, arguments.seed + number)
    return scaling, convert_both(net, int8([(value[None],) for value in values[::4]]))


@one_line_errors
def main() -> int:
    arguments = training.argument_parser("fusion.train_action_units", epochs=150, about=__doc__).parse_args()
    if arguments.quick:
        arguments.epochs = 1
    clips = action_units.load(require(arguments.data, action_units.FILE).parents[2])
    made = [of_fold(clips, number, arguments) for number in range(action_units.FOLDS)]
    logits = np.empty((len(clips.names), len(LABELS)), np.float32)
    for number, (scaling, converted) in enumerate(made):
        rows = clips.folds == number
        logits[rows] = outputs(converted.small, scaling, clips.features[rows])
    command = training.train_command("fusion.train_action_units", arguments)
    folder: Path = arguments.out or action_units.FOLDER
    for number, (scaling, converted) in enumerate(made):
        others = clips.folds != number
        temperature = fit_temperature(logits[others], clips.truth[others])
        card = ending(clips, number, scaling, temperature, command)
        finish.write(converted, card, folder / action_units.file(number).name, arguments.runs)
    hits = logits.argmax(1) == clips.truth
    print(f"RAVDESS, 8 classes, five folds by actor: accuracy {hits.mean():.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
