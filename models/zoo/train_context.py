"""`python -m models.zoo.train_context --data DIR`: trains CAER-Net-S on synthetic scenes.

Shows that the two-input model learns from both inputs and weighs them. The scenes are synthetic (see
`models.zoo.synthetic_scenes`), so the model is useless on real persons; train on CAER-S for that (README.md).
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.calibration import Row
from edge.emotions import LABELS
from edge.face import context
from edge.face.crop import as_input
from edge.inference.card import Corpus, Score
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.face import data
from models.face.training.augment import augment
from models.metrics import fit_temperature, single_label
from models.training.finish import Calibration, Ending, decisions, finish, int8
from models.zoo import caer_net, synthetic_scenes

BATCH: Final = 64
"""Pairs per batch."""
SCENE: Final = (48, 48)
"""Height and width of the scene that the model sees, pixels."""
BLANK_SHARE: Final = 0.15
"""Share of training rows without a face; the same share has no scene, and the same share a scene without a pattern."""
CALIBRATION_ROWS: Final = 300
"""Faces per condition that set the int8 ranges."""
QUICK_ROWS: Final = 192
"""Faces of each split in a run with `--quick`."""

Pairs = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Faces (n, 48, 48) and scenes (n, height, width, 3)."""

CONDITIONS: Final = {
    "both": "face and scene",
    "face": "face alone: the scene is black",
    "scene": "scene alone: the face is black",
    "plain": "face and a scene that tells nothing",
}
"""Conditions in which the model is measured: name and description."""


class Batches(training.Batches):
    """Batches of augmented pairs of face and scene, in some of which the face, the scene or the pattern is missing."""

    def __init__(self, faces: data.Faces, seed: int) -> None:
        super().__init__(len(faces), BATCH, seed)
        self._faces = faces

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[tuple[Any, Any], NDArray[np.int64]]:
        made = []
        for row in rows:
            label = int(self._faces.labels[row])
            without = rng.choice(["face", "scene", "pattern", ""], p=[*[BLANK_SHARE] * 3, 1 - 3 * BLANK_SHARE])
            pattern = None if without == "pattern" else synthetic_scenes.hint(label, rng)
            face, scene = synthetic_scenes.pair(augment(self._faces.images[row], rng), pattern, SCENE, rng)
            made.append((face * (without != "face"), scene * (without != "scene")))
        return tensors(_stack(made)), self._faces.labels[rows]


def tensors(pairs: Pairs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The pairs as input tensors of the model."""
    return as_input(pairs[0]), context.as_input(pairs[1])


def pairs(faces: data.Faces, condition: str, seed: int) -> Pairs:
    """Composes one pair per face.

    Args:
        faces: The faces.
        condition: One of `CONDITIONS`.
        seed: The same seed gives the same pairs.
    """
    made = []
    for number, (image, label) in enumerate(zip(faces.images, faces.labels, strict=True)):
        rng = np.random.default_rng((seed, number))
        pattern = synthetic_scenes.hint(int(label), rng)
        made.append(synthetic_scenes.pair(image, None if condition == "plain" else pattern, SCENE, rng))
    found, scenes = _stack(made)
    return found * np.uint8(condition != "scene"), scenes * np.uint8(condition != "face")


def _stack(made: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> Pairs:
    faces, scenes = zip(*made, strict=True)
    return np.stack(faces), np.stack(scenes)


def logits(model: bytes, given: Pairs) -> NDArray[np.float32]:
    """(n, 7) logits of a `.tflite` file, given as bytes, one pair at a time."""
    interpreter = Interpreter(model)
    return np.stack([interpreter.run(*row)[0][0] for row in _rows(given)])


def _rows(given: Pairs) -> list[Row]:
    return [(as_input(face), context.as_input(scene)) for face, scene in zip(*given, strict=True)]


def train(arguments: Namespace, faces: data.Faces, public: data.Faces) -> Any:
    """Trains the network.

    Args:
        arguments: Parsed command line.
        faces: Training faces.
        public: PublicTest faces for validation.

    Returns:
        The float model of the best epoch on the PublicTest faces.
    """
    model = caer_net.build(SCENE, arguments.width, dropout=0.3)
    batches = Batches(faces, arguments.seed)
    model.compile(
        keras.optimizers.AdamW(training.cosine(2e-3, arguments.epochs, len(batches)), weight_decay=1e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    held_out = (tensors(pairs(public, "both", arguments.seed)), public.labels)
    best = training.fit(
        model, batches, held_out, epochs=arguments.epochs, folder=arguments.runs, monitor="val_accuracy"
    )
    model.load_weights(best)
    return model


def ending(
    arguments: Namespace,
    splits: Mapping[str, data.Faces],
    given: Mapping[str, Pairs],
    face_weights: Mapping[str, float],
) -> Ending:
    """Contents of the card; the model is calibrated on PublicTest faces and scored on PrivateTest faces.

    Args:
        arguments: Parsed command line.
        splits: `training` and `public` faces, and `private` faces for the labels of `given`.
        given: Pairs of the `private` faces in each of `CONDITIONS`.
        face_weights: Mean weight of the face in each of `CONDITIONS`.
    """
    some = data.head(splits["training"], CALIBRATION_ROWS)
    calibration = [row for condition in CONDITIONS for row in _rows(pairs(some, condition, arguments.seed))]
    public = pairs(splits["public"], "both", arguments.seed + 1)

    def score(form: str, model: bytes, fitted: Calibration) -> list[Score]:
        return [
            single_label(
                form,
                f"faces of FER2013 PrivateTest on painted scenes: {meaning}",
                softmax(logits(model, given[condition]), fitted.temperature),
                splits["private"].labels,
                LABELS,
            )
            for condition, meaning in CONDITIONS.items()
        ]

    return Ending(
        name="context-synthetic",
        task="facial expression with its scene",
        command=training.train_command(
            "zoo.train_context", arguments, f"--rows {arguments.rows}", f"--width {arguments.width}"
        ),
        recipe=f"CAER-Net-S of width {arguments.width}; "
        f"{synthetic_scenes.RELIABILITY:.0%} of the patterns are the label's",
        training=[
            Corpus(
                name="FER2013 on painted scenes",
                terms="no open licence, for training only",
                rows=len(splits["training"]),
            )
        ],
        front_end=context.front_end(*SCENE),
        quantise=int8(calibration),
        parity_rows=_rows(public),
        calibrate=lambda small: Calibration(fit_temperature(logits(small, public), splits["public"].labels)),
        score=score,
        parity_note=lambda parity: decisions(parity, "pairs"),
        notes=[
            "a check of the two-input chain on painted scenes: of no use in front of a person",
            *(f"mean weight of the face, {CONDITIONS[name]}: {weight}" for name, weight in face_weights.items()),
        ],
        input_meanings=["grey face, black 0 … white 1", "RGB scene in 0…1, zero where the face is"],
        output_meanings=["logits in the order of labels, before the temperature"],
    )


def parse() -> Namespace:
    """Parses the command line."""
    parser = training.argument_parser("zoo.train_context", 8, (__doc__ or "").partition("\n\n")[2])
    parser.add_argument("--rows", type=int, default=6000, help="training faces of FER2013 (%(default)s)")
    parser.add_argument("--width", type=float, default=0.25, help="of the net; 1 is the paper's (%(default)s)")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.epochs, arguments.rows = min(arguments.epochs, 2), QUICK_ROWS
    return arguments


@one_line_errors
def main() -> int:
    arguments = parse()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FILE)
    limits = {"training": arguments.rows, "public": 500, "private": 1500}
    limits |= {name: QUICK_ROWS for name in limits if arguments.quick}
    splits = {name: data.head(data.load(path, name), rows) for name, rows in limits.items()}
    model = train(arguments, splits["training"], splits["public"])
    given = {condition: pairs(splits["private"], condition, arguments.seed + 2) for condition in CONDITIONS}
    weights = caer_net.fusion_weights(model)
    face_weights = {
        name: round(float(weights.predict(tensors(shown), batch_size=BATCH, verbose=0)[:, 0].mean()), 3)
        for name, shown in given.items()
    }
    out = arguments.out or arguments.runs / "context.tflite"
    card = finish(model, ending(arguments, splits, given, face_weights), out, arguments.runs)
    for (name, meaning), score in zip(CONDITIONS.items(), card.scores, strict=False):  # the int8 scores come first
        row = {"inputs": meaning, "n": score.n, "accuracy": score.accuracy, "ece": score.ece}
        print(json.dumps(row | {"face_weight": face_weights[name]}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
