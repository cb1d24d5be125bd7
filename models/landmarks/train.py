"""`python -m models.landmarks.train --data DIR`: trains the landmark model; writes int8 TFLite and its card."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.face.landmarks import FRONT_END, PIXELS, as_input
from edge.inference.card import Corpus
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.face import pretrained
from models.face.nets import mobilenet
from models.landmarks import architecture, data
from models.landmarks.evaluate import fixed, on_jittered_patches
from models.training.finish import Ending, finish, int8

BATCH: Final = 64
"""Patches per batch."""
CALIBRATION_ROWS: Final = 300
"""Augmented patches that set the int8 ranges."""
QUICK_ROWS: Final = 96
"""Photos of each part in a run with `--quick`."""
REPEATS: Final = 3
"""Augmented copies of each photo per epoch."""

CORPORA: Final = (("68 points on frames of YouTube Faces", "annotations MIT; frames for research"),)
"""Name and terms of use of each training corpus, for the card."""


class Batches(training.Batches):
    """Augmented (64, 64, 64, 1) float32 patches and (64, 136) targets."""

    def __init__(self, photos: Sequence[data.Photo], mean: NDArray[np.float32], scale: float, seed: int) -> None:
        super().__init__(len(photos), BATCH, seed)
        self._photos, self._mean, self._scale = photos, mean, scale

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Every row `REPEATS` times, shuffled anew each time."""
        once = super().order
        return np.concatenate([once(rng) for _ in range(REPEATS)])

    def batch(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        images, points = zip(*(data.augment(self._photos[row], rng) for row in rows), strict=True)
        return as_input(np.stack(images)), targets(np.stack(points), self._mean, self._scale)


def targets(points: NDArray[np.float32], mean: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    """Regression targets of the network.

    Args:
        points: (n, 68, 2) points in patch widths.
        mean: (68, 2) mean shape in patch widths.
        scale: Unit of the offsets in patch widths.

    Returns:
        (n, 136) offsets from `mean` in units of `scale`.
    """
    return np.asarray(((points - mean) / scale).reshape(len(points), -1), np.float32)


def train(
    arguments: Namespace,
    photos: Sequence[data.Photo],
    validation: Sequence[data.Photo],
    mean: NDArray[np.float32],
    scale: float,
) -> Any:
    """Trains the network, first the layers above the stem and then all of them.

    Args:
        arguments: Parsed command line.
        photos: Training photos.
        validation: Photos of the validation persons.
        mean: (68, 2) mean shape in patch widths.
        scale: Unit of the offsets in patch widths.

    Returns:
        The float model of the best epoch on the validation persons.
    """
    model = architecture.build()
    if not arguments.from_scratch:
        rng = np.random.default_rng(arguments.seed)
        sample = as_input(np.stack([data.augment(photo, rng)[0] for photo in photos[:256]]))
        mobilenet.start_from(model, pretrained.fetch(), sample)
    images, points = fixed(validation, arguments.seed)
    held_out = as_input(images), targets(points, mean, scale)
    frozen_epochs = 0 if arguments.from_scratch else round(0.6 * arguments.epochs)
    for phase, epochs, peak in (("head", frozen_epochs, 2e-3), ("whole", arguments.epochs - frozen_epochs, 6e-4)):
        if not epochs:
            continue
        batches = Batches(photos, mean, scale, arguments.seed + (phase == "whole"))
        mobilenet.freeze_stem(model, phase == "head")
        schedule = training.cosine(peak, epochs, len(batches), 1)
        model.compile(optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01), loss=architecture.loss)
        best = training.fit(
            model,
            batches,
            held_out,
            epochs=epochs,
            folder=arguments.runs / phase,
            monitor="val_loss",
            mode="min",
        )
        model.load_weights(best)
    return model


def ending(
    arguments: Namespace,
    photos: Sequence[data.Photo],
    validation: Sequence[data.Photo],
    test: Sequence[data.Photo],
    *,
    mean: NDArray[np.float32],
    scale: float,
    rng: np.random.Generator,
) -> Ending:
    """Contents of the card, int8 calibration and measurement.

    Args:
        arguments: Parsed command line.
        photos: Training photos, whose augmented patches set the int8 ranges.
        validation: Photos on which int8 and float32 are compared.
        test: Photos of the test persons, on which the model is measured.
        mean: (68, 2) mean shape in patch widths.
        scale: Unit of the offsets in patch widths.
        rng: Source of randomness of the calibration patches.
    """
    calibration = [(as_input(data.augment(photos[i % len(photos)], rng)[0]),) for i in range(CALIBRATION_ROWS)]
    net = "a MobileNet with random weights" if arguments.from_scratch else "a face-recognition MobileNet"
    return Ending(
        name="landmarks68",
        task="68 facial landmarks",
        command=training.train_command(
            "landmarks.train", arguments, "--from-scratch" if arguments.from_scratch else ""
        ),
        recipe=f"front of {net} on the up-sampled patch, dense regression of offsets from "
        "the mean shape; weighted absolute error with a term for lids and lips; shift, scale, turn, mirror, light, "
        "blur, noise and cut-out; best epoch by validation persons; int8 after training",
        training=[
            *([] if arguments.from_scratch else [pretrained.CORPUS]),
            *(Corpus(name=name, terms=terms, rows=len(photos)) for name, terms in CORPORA),
        ],
        front_end={"name": FRONT_END, "side": PIXELS, "range": [0.0, 1.0], "mean": mean.tolist(), "scale": scale},
        quantise=int8(calibration),
        labels=(),
        output_kind="other",
        parity_rows=[(as_input(image),) for image in fixed(validation, arguments.seed)[0]],
        note=lambda form, model: [on_jittered_patches(form, model, test, mean, scale, arguments.seed).note()],
        parity_note=lambda parity: (
            f"int8 against float32: mean difference {parity.mean_error * scale:.5f} patch widths"
        ),
        notes=["persons are divided by a hash of their names: 260 for training, 33 for validation, 54 for the test"],
        input_meanings=["grey face, 1.4 times the landmarks' box, upright by the eyes, black 0 … white 1"],
        output_meanings=["x and y of 68 points in turn: offset from front_end.mean in units of front_end.scale"],
    )


@one_line_errors
def main() -> int:
    parser = training.argument_parser("landmarks.train", epochs=20)
    parser.add_argument("--from-scratch", action="store_true", help="start from random weights, without any download")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FOLDER)
    photos, validation, test = (data.load(path, part) for part in ("training", "validation", "test"))
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 2)
        photos, validation, test = (rows[:QUICK_ROWS] for rows in (photos, validation, test))
    rng = np.random.default_rng(arguments.seed)
    spread = np.stack([data.augment(photo, rng)[1] for photo in photos])
    mean = np.round(spread.mean(0), 5)
    scale = round(float(spread.std(0).mean()), 5)
    model = train(arguments, photos, validation, mean, scale)
    model.save(arguments.runs / "model.keras")
    out = arguments.out or shipped.model("landmarks", "landmarks68")
    finish(model, ending(arguments, photos, validation, test, mean=mean, scale=scale, rng=rng), out, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
