"""`python -m models.eyes.train --data DIR`: trains the eye model; writes int8 TFLite with its card."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from edge import shipped
from edge.face.eyes import FRONT_END, HEIGHT, SPAN, WIDTH, as_input
from edge.inference.card import Corpus
from models import training
from models.blocks import convolution
from models.command import one_line_errors
from models.corpora import require
from models.eyes.data import Eye, cut, eyes
from models.eyes.evaluate import SCALE, measured
from models.landmarks import data
from models.training.finish import Ending, finish, int8

BATCH: Final = 128
"""Eyes per batch."""
BINS: Final = np.arange(0.08, 0.48, 0.04)
"""Bounds of the histogram of aspect ratios; an eye in a rare bin gets a larger weight."""


def balance(ratios: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n,) weights with mean 1 that grow with the square root of the ratio's rarity, since few eyes are closed."""
    bins = np.digitize(ratios, BINS)
    share = np.bincount(bins, minlength=len(BINS) + 1) / len(ratios)
    weights = 1.0 / np.sqrt(np.maximum(share[bins], 0.004))
    return np.asarray(weights / weights.mean(), np.float32)


def build() -> Any:
    """Network (n, 24, 32, 1) → (n, 1) that estimates the eye aspect ratio in units of `SCALE`; 61 k parameters."""
    image = keras.Input((HEIGHT, WIDTH, 1), name="eye")
    out = layers.ReLU(6.0)(convolution(image, 16, 3))
    for filters in (24, 32, 48):
        out = layers.ReLU(6.0)(convolution(out, filters, 3, 2))
        out = layers.ReLU(6.0)(convolution(out, filters, 3))
    flat = layers.Dropout(0.2)(layers.Flatten()(out))
    return keras.Model(image, layers.Dense(1, name="ratio")(flat), name="eyes")


class Batches(training.Batches):
    """Batches of augmented patches with their ratios and sample weights."""

    def __init__(self, eyes: Sequence[Eye], seed: int) -> None:
        super().__init__(len(eyes), BATCH, seed)
        self._eyes = eyes
        self._ratios = np.array([eye.ratio for eye in eyes], np.float32)
        self._weights = balance(self._ratios)

    def batch(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        patches = np.stack([cut(self._eyes[row], rng) for row in rows])
        return as_input(patches), (self._ratios[rows] / SCALE)[:, None], self._weights[rows]


def train(arguments: Namespace, rows: Sequence[Eye], validation: Sequence[Eye]) -> Any:
    """Trains the network.

    Args:
        arguments: Parsed command line.
        rows: Training eyes.
        validation: Eyes of the validation persons.

    Returns:
        The float model of the best epoch on the validation persons.
    """
    model = build()
    batches = Batches(rows, arguments.seed)
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, arguments.epochs, len(batches)), weight_decay=0.02),
        loss="mean_absolute_error",
    )
    ratios = np.array([eye.ratio for eye in validation], np.float32)
    held_out = as_input(np.stack([cut(eye, None) for eye in validation])), (ratios / SCALE)[:, None], balance(ratios)
    best = training.fit(
        model, batches, held_out, epochs=arguments.epochs, folder=arguments.runs, monitor="val_loss", mode="min"
    )
    model.load_weights(best)
    return model


def ending(arguments: Namespace, rows: Sequence[Eye], test: Sequence[Eye]) -> Ending:
    """Contents of the card, int8 calibration and measurement.

    Args:
        arguments: Parsed command line.
        rows: Training eyes, a sample of which sets the int8 ranges.
        test: Eyes of the test persons, on which the model is measured.
    """
    rng = np.random.default_rng(arguments.seed)
    return Ending(
        name="eyes",
        task="eye aspect ratio",
        command=training.train_command("eyes.train", arguments),
        recipe="small CNN on a patch around one eye, absolute error with rare ratios weighing more; shift, scale, "
        "turn, mirror, light, blur and noise; best epoch by validation persons; int8 after training",
        training=[
            Corpus(
                name="68 points on frames of YouTube Faces",
                terms="annotations MIT; frames for research",
                rows=len(rows),
            )
        ],
        front_end={"name": FRONT_END, "width": WIDTH, "height": HEIGHT, "span": SPAN, "scale": SCALE},
        quantise=int8([(as_input(cut(rows[i], rng)),) for i in rng.permutation(len(rows))[:300]]),
        labels=(),
        output_kind="other",
        note=lambda form, model: [measured(model, test).note(form)],
        input_meanings=["grey eye, mean 0 and deviation 1 over the patch, cut at ±3"],
        output_meanings=["eye aspect ratio in units of front_end.scale"],
    )


@one_line_errors
def main() -> int:
    arguments = training.argument_parser("eyes.train", epochs=40).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FOLDER)
    rows, validation, test = (eyes(data.load(path, part)) for part in ("training", "validation", "test"))
    if arguments.quick:
        arguments.epochs = 2
        rows, validation, test = rows[:300], validation[:100], test[:100]
    model = train(arguments, rows, validation)
    finish(model, ending(arguments, rows, test), arguments.out or shipped.model("eyes", "eyes"), arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
