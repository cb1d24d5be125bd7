"""`python -m models.eyes.train --data DIR`: eyes of the landmark photos → aspect ratio → int8 TFLite with its card."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from converters.cards import make_card, save
from converters.tflite import convert
from edge import shipped
from edge.errors import EdgeEmotionError
from edge.face.eyes import FRONT_END, HEIGHT, SPAN, WIDTH, as_input, eye_patch
from edge.face.shape import LEFT_EYE, RIGHT_EYE, aspect_ratio, interocular, upright_box
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from models import training
from models.blocks import convolution
from models.corpora import require
from models.landmarks import data
from models.metrics import area_under_curve

BATCH: Final = 128
SCALE: Final = 0.3
"""The model's output is the aspect ratio in this unit."""
SHUT: Final = 0.16
OPEN: Final = 0.24
BINS: Final = np.arange(0.08, 0.48, 0.04)


@dataclass(frozen=True)
class Eye:
    """One eye of one photo."""

    photo: data.Photo
    centre: tuple[float, float]
    span: float
    roll: float
    mirrored: bool
    ratio: float


def eyes(photos: Sequence[data.Photo]) -> list[Eye]:
    found: list[Eye] = []
    for photo in photos:
        roll = upright_box(photo.points)[3]
        for part, mirrored in ((RIGHT_EYE, False), (LEFT_EYE, True)):
            points = photo.points[list(part)]
            x, y = points.mean(0)
            span = SPAN * interocular(photo.points)
            found.append(Eye(photo, (float(x), float(y)), span, roll, mirrored, aspect_ratio(points)))
    return found


def cut(eye: Eye, rng: np.random.Generator | None) -> NDArray[np.uint8]:
    """(24, 32) uint8; with `rng` as landmarks may be off, relit, blurred, with noise."""
    if rng is None:
        return eye_patch(eye.photo.grey, eye.centre, eye.span, eye.roll, eye.mirrored)
    x, y, size, turn = rng.normal(0.0, 1.0, 4).clip(-2.5, 2.5)
    centre = (eye.centre[0] + 0.05 * eye.span * float(x), eye.centre[1] + 0.05 * eye.span * float(y))
    mirrored = eye.mirrored != (rng.random() < 0.3)
    span, roll = eye.span * float(np.exp(0.1 * size)), eye.roll + float(np.deg2rad(6.0 * turn))
    patch = eye_patch(eye.photo.grey, centre, span, roll, mirrored).astype(np.float32)
    if rng.random() < 0.3:
        patch = np.asarray(cv2.GaussianBlur(patch, (0, 0), float(rng.uniform(0.4, 1.2))))
    across, down = np.linspace(-1, 1, WIDTH)[None, :], np.linspace(-1, 1, HEIGHT)[:, None]
    ramp = across * rng.normal(0, 12) + down * rng.normal(0, 8)
    lit = patch * float(np.exp(rng.uniform(-0.4, 0.4))) + ramp + rng.normal(0.0, rng.uniform(0, 6), patch.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)


def balance(ratios: NDArray[np.floating]) -> NDArray[np.float32]:
    """(n,) weights that give shut eyes, of which there are few, their say: by the square root of their rarity."""
    bins = np.digitize(ratios, BINS)
    share = np.bincount(bins, minlength=len(BINS) + 1) / len(ratios)
    weights = 1.0 / np.sqrt(np.maximum(share[bins], 0.004))
    return np.asarray(weights / weights.mean(), np.float32)


def build() -> Any:
    """(n, 24, 32, 1) → (n, 1): the eye aspect ratio in units of `SCALE`; 61 k parameters."""
    image = keras.Input((HEIGHT, WIDTH, 1), name="eye")
    out = layers.ReLU(6.0)(convolution(image, 16, 3))
    for filters in (24, 32, 48):
        out = layers.ReLU(6.0)(convolution(out, filters, 3, 2))
        out = layers.ReLU(6.0)(convolution(out, filters, 3))
    flat = layers.Dropout(0.2)(layers.Flatten()(out))
    return keras.Model(image, layers.Dense(1, name="ratio")(flat), name="eyes")


class Batches(training.Batches):
    """Augmented patches with their ratios and weights."""

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


def main() -> int:
    arguments = training.argument_parser("eyes.train", epochs=40).parse_args()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FOLDER)
    rows, validation, test = (eyes(data.load(path, part)) for part in ("training", "validation", "test"))
    if arguments.quick:
        arguments.epochs = 2
        rows, validation, test = rows[:300], validation[:100], test[:100]
    model = build()
    batches = Batches(rows, arguments.seed)
    model.compile(
        optimizer=keras.optimizers.AdamW(training.cosine(3e-3, arguments.epochs, len(batches)), weight_decay=0.02),
        loss="mean_absolute_error",
    )
    held_out = np.array([eye.ratio for eye in validation], np.float32)
    best = training.fit(
        model,
        batches,
        (as_input(np.stack([cut(eye, None) for eye in validation])), (held_out / SCALE)[:, None], balance(held_out)),
        epochs=arguments.epochs,
        folder=arguments.runs,
        monitor="val_loss",
        mode="min",
    )
    model.load_weights(best)
    rng = np.random.default_rng(arguments.seed)
    calibration = [(as_input(cut(rows[i], rng)),) for i in rng.permutation(len(rows))[:300]]
    try:
        quantised = convert(model, "int8", calibration, progress=print)
        out = arguments.out or shipped.model("eyes", "eyes")
        truth = np.array([eye.ratio for eye in test])
        notes = []
        for form, file in (("int8", quantised), ("float32", convert(model, "float32"))):
            interpreter = Interpreter(file)
            found = np.array([interpreter.run(as_input(cut(eye, None)))[0].item() * SCALE for eye in test])
            clear = (truth < SHUT) | (truth > OPEN)
            notes.append(
                f"{form}, {len(test)} eyes of unseen persons: mean absolute error of the aspect ratio "
                f"{np.abs(found - truth).mean():.4f}, correlation {np.corrcoef(found, truth)[0, 1]:.3f}, shut "
                f"(below {SHUT}, {int((truth < SHUT).sum())}) against open (above {OPEN}): area under the curve "
                f"{area_under_curve(-found[clear], truth[clear] < SHUT):.3f}"
            )
        card = make_card(
            quantised,
            name="eyes",
            task="eye aspect ratio",
            file=out.name,
            labels=(),
            output_kind="other",
            front_end={"name": FRONT_END, "width": WIDTH, "height": HEIGHT, "span": SPAN, "scale": SCALE},
            training=[
                Corpus(
                    name="68 points on frames of YouTube Faces",
                    terms="annotations MIT; frames for research",
                    rows=len(rows),
                )
            ],
            train_command=f"python -m models.eyes.train --data DIR --epochs {arguments.epochs} --seed {arguments.seed}",
            recipe="small CNN on a patch around one eye, absolute error with rare ratios weighing more; shift, scale, "
            "turn, mirror, light, blur and noise; best epoch by validation persons; int8 after training",
            notes=notes,
            input_meanings=["grey eye, mean 0 and deviation 1 over the patch, cut at ±3"],
            output_meanings=["eye aspect ratio in units of front_end.scale"],
        )
        save(quantised, card, out)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {card.bytes:,} bytes; {notes[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
