"""`python -m models.face.training.origin --data DIR`: measures the recipe of the project that this one grew out of.

mini-Xception (Arriaga et al., Real-time Convolutional Neural Networks for Emotion and Gender Classification, ESANN
2019), trained as is common in student projects: hard labels, small rotations, shifts and zooms, L2, class weights,
Adam whose rate is lowered on a plateau, early stopping. Only its row in the table is kept; nothing is shipped.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Final

import cv2
import keras
import numpy as np
from keras import layers, regularizers
from numpy.typing import NDArray

from converters.tflite import convert
from edge.emotions import COUNT
from edge.errors import EdgeEmotionError
from edge.face.crop import as_input
from edge.inference.interpreter import Interpreter
from models import training
from models.corpora import require
from models.face import data
from models.face.evaluate import scores
from models.metrics import class_weights

BATCH: Final = 32
"""Faces per batch."""
L2: Final = 0.01
"""Factor of the L2 penalty on the kernels."""


def mini_xception() -> Any:
    """Network (n, 48, 48, 1) float in 0…1 → (n, 7) logits; 58 k parameters."""
    decay = regularizers.L2(L2)
    image = keras.Input((48, 48, 1))
    out = layers.Rescaling(2.0, -1.0)(image)
    for _ in range(2):
        out = layers.Conv2D(8, 3, use_bias=False, kernel_regularizer=decay)(out)
        out = layers.ReLU()(layers.BatchNormalization()(out))
    for filters in (16, 32, 64, 128):
        shortcut = layers.Conv2D(filters, 1, strides=2, padding="same", use_bias=False)(out)
        shortcut = layers.BatchNormalization()(shortcut)
        for last in (False, True):
            out = layers.SeparableConv2D(
                filters, 3, padding="same", use_bias=False, depthwise_regularizer=decay, pointwise_regularizer=decay
            )(out)
            out = layers.BatchNormalization()(out)
            out = out if last else layers.ReLU()(out)
        out = layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(out), shortcut])
    out = layers.Conv2D(COUNT, 3, padding="same")(out)
    return keras.Model(image, layers.GlobalAveragePooling2D()(out), name="mini_xception")


def augment(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rotates by up to 10°, shifts and zooms by up to a tenth and mirrors: the usual settings of image generators."""
    side = image.shape[0]
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), rng.uniform(-10, 10), rng.uniform(0.9, 1.1))
    turn[:, 2] += rng.uniform(-0.1, 0.1, 2) * side
    moved = cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved[:, ::-1] if rng.random() < 0.5 else moved, np.uint8)


class Batches(training.Batches):
    """Batches of augmented faces with hard labels and class weights."""

    def __init__(self, faces: data.Faces, seed: int) -> None:
        super().__init__(len(faces), BATCH, seed)
        self._faces, self._weights = faces, class_weights(faces.labels, 1.0)

    def batch(
        self, rows: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
        images = np.stack([augment(self._faces.images[row], rng) for row in rows])
        return as_input(images), self._faces.labels[rows], self._weights[rows]


def main() -> int:
    parser = training.argument_parser(
        "face.origin", 110, "Measure the recipe of the project that this one grew out of."
    )
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FILE)
    faces, public, private = (data.load(path, split) for split in ("training", "public", "private"))
    if arguments.quick:
        arguments.epochs = 2
        faces, public, private = (data.head(split, 256) for split in (faces, public, private))
    model = mini_xception()
    model.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    started = time.monotonic()
    best = training.fit(
        model,
        Batches(faces, arguments.seed),
        (as_input(public.images), public.labels),
        epochs=arguments.epochs,
        folder=arguments.runs,
        monitor="val_accuracy",
        callbacks=(
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=4, verbose=1),
            keras.callbacks.EarlyStopping("val_accuracy", patience=12, verbose=1),
        ),
    )
    model.load_weights(best)
    rng = np.random.default_rng(arguments.seed)
    rows = rng.choice(len(faces), min(300, len(faces)), replace=False)
    try:
        for form in ("float32", "int8"):
            file = convert(model, form, [(as_input(faces.images[row]),) for row in rows])
            interpreter = Interpreter(file)
            outputs = np.stack([interpreter.run(as_input(image))[0][0] for image in private.images])
            found = scores(form, outputs, 1.0, private)[0]
            print(
                json.dumps({"form": form, "bytes": len(file), "accuracy": found.accuracy, "macro_f1": found.macro_f1})
            )
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    print(json.dumps({"seconds": round(time.monotonic() - started)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
