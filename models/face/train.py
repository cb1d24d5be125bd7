"""`python -m models.face.train --data DIR`: FER2013 → float Keras model → int8 TFLite with its card."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.bias import convert_corrected
from converters.cards import make_card, save
from converters.parity import measure
from converters.restore import restore
from converters.rounding import rounded
from converters.tflite import convert
from edge import shipped
from edge.emotions import LABELS
from edge.errors import EdgeEmotionError
from edge.face.crop import FRONT_END, as_input
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from models import training
from models.corpora import require
from models.face import data, pretrained
from models.face.evaluate import scores
from models.face.nets import mobilenet
from models.face.nets.pruning import prune
from models.face.training import published
from models.face.training.degrade import worsen
from models.metrics import class_weights, fit_temperature

BATCH: Final = 64
CALIBRATION_ROWS: Final = 500
QUICK_ROWS: Final = 256

STATISTICS_ROWS: Final = 512
PRUNING_ROWS: Final = 6000
TEACHER_SHARE: Final = 0.6
TEACHER_TEMPERATURE: Final = 1.5


@dataclass(frozen=True)
class Size:
    """A MobileNet (`models.face.nets.mobilenet`) on the face up-sampled to `side` pixels, and how it is trained."""

    filters: tuple[int, ...]
    first: int
    side: int
    epochs: int
    rate: float
    """Peak, of the whole net."""
    dropout: float

    def build(self) -> Any:
        return mobilenet.build(self.filters, self.side, self.first, self.dropout)


SIZES: Final = {
    "small": Size(
        filters=(48, 96, 96, 160, 160, 208, 208, 208, 208), first=24, side=112, epochs=60, rate=1e-3, dropout=0.1
    ),
    "large": Size(filters=mobilenet.FILTERS[:9], first=32, side=112, epochs=13, rate=5e-4, dropout=0.3),
}

CORPORA: Final = (
    ("FER2013", "ICML-2013 challenge images from the web: no open licence, for training only"),
    ("FER+ votes", "MIT, microsoft/FERPlus"),
)


class Batches(training.Batches):
    """Shuffled, augmented (64, 48, 48, 1) float32 batches with soft targets and class weights.

    A share of `worse` is dark, glaring, blurred, noisy or small besides.
    """

    def __init__(
        self, faces: data.Faces, targets: NDArray[np.float32], seed: int, batch: int = BATCH, worse: float = 0.0
    ) -> None:
        super().__init__(len(faces), batch, seed)
        self._faces, self._targets, self._worse = faces, targets, worse
        self._weights = class_weights(faces.labels, 0.3)

    def batch(self, rows: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.float32], ...]:
        images = np.stack([data.augment(self._faces.images[row], rng) for row in rows])
        if self._worse:
            for row in np.flatnonzero(rng.random(len(rows)) < self._worse):
                images[row] = worsen(images[row], rng)
        return as_input(images), self._targets[rows], self._weights[rows]


def train(arguments: Any, faces: data.Faces, public: data.Faces) -> Any:
    """The float model of the epoch that is best on PublicTest.

    First the blocks above the stem, then all of it: an epoch with the stem costs half as much again, or more.
    """
    size = SIZES[arguments.size]
    model = size.build()
    seen = as_input(faces.images[:STATISTICS_ROWS])
    if arguments.start:
        start_from(model, arguments.start, seen)
    elif arguments.from_scratch:
        print("from random weights", flush=True)
    elif arguments.size == "small":
        print("pruning the large model", flush=True)
        wide = SIZES["large"].build()
        start_from(wide, shipped.model("face", "face_large"), seen)
        prune(wide, model, as_input(faces.images[:PRUNING_ROWS]))
    else:
        mobilenet.start_from(model, pretrained.fetch(), seen)
    targets = data.soft_targets(faces)
    if arguments.teacher:
        opinion = taught(arguments.teacher, faces, arguments.seed, arguments.runs / "opinions")
        targets = (1 - TEACHER_SHARE) * targets + TEACHER_SHARE * opinion
    truth = np.eye(len(LABELS), dtype=np.float32)[public.labels]
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
            model,
            batches,
            (as_input(public.images), truth),
            epochs=epochs,
            folder=arguments.runs / phase,
            monitor="val_accuracy",
        )
        model.load_weights(best)
    return model


def start_from(model: Any, file: Path, images: NDArray[np.float32]) -> None:
    """Gives `model` the weights of a `.keras` or `.tflite` file; `images`: see `converters.restore.restore`.

    Raises `ConversionError`.
    """
    if file.suffix == ".tflite":
        restore(model, file.read_bytes(), images)
    else:
        model.set_weights(keras.models.load_model(file, compile=False).get_weights())


def teacher_logits(teacher: Path) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """What makes (n, 7) logits of (n, 48, 48, 1) images with a `.keras` or `.tflite` file. Raises `ModelError`."""
    if teacher.suffix != ".tflite":
        model = keras.models.load_model(teacher, compile=False)
        return lambda images: np.asarray(model.predict_on_batch(images))
    interpreter = Interpreter(teacher.read_bytes(), f"teacher {teacher}")
    return lambda images: run_each(interpreter, images)


def taught(teachers: Sequence[Path], faces: data.Faces, seed: int, kept: Path, views: int = 3) -> NDArray[np.float32]:
    """(n, 7): the mean opinion of teachers on augmented views of each face (Hinton et al., 2015).

    Each teacher's is kept in the folder `kept`, for a run that resumes.
    """
    kept.mkdir(parents=True, exist_ok=True)
    opinions = []
    for number, teacher in enumerate(teachers):
        file = kept / f"{number}_{teacher.stem}.npy"
        if not file.exists():
            logits = teacher_logits(teacher)
            opinion = np.zeros((len(faces), len(LABELS)), np.float32)
            rng = np.random.default_rng(seed)
            for view in range(views):
                print(f"teacher {teacher}: view {view + 1} of {views}", flush=True)
                for rows in training.batches(len(faces), 512):
                    images = np.stack([data.augment(image, rng) for image in faces.images[rows]])
                    opinion[rows] += softmax(logits(as_input(images)), TEACHER_TEMPERATURE) / views
            np.save(file, opinion)
        opinions.append(np.load(file))
    return np.asarray(np.mean(opinions, 0), np.float32)


def run_each(interpreter: Interpreter, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 7) logits of (n, 48, 48, 1) images, one at a time."""
    return np.stack([interpreter.run(image[None])[0][0] for image in images])


def outputs(model: bytes, faces: data.Faces) -> NDArray[np.float32]:
    """(n, 7) logits of a `.tflite`."""
    return run_each(Interpreter(model), as_input(faces.images))


def recipe(arguments: Any) -> str:
    """In words, for the card."""
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


def main() -> int:
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
        help="share of the pictures that are dark, glaring, blurred, noisy or small besides (%(default)g)",
    )
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--start", type=Path, help="a .keras or .tflite model of this size to go on from")
    begin.add_argument("--from-scratch", action="store_true", help="start from random weights, without any download")
    parser.add_argument("--keep-stem", action="store_true", help="leave the first blocks as they are, which is faster")
    arguments = parser.parse_args()
    for file in (*arguments.teacher, arguments.start):
        if file and not file.is_file():
            parser.error(f"{file}: no such file (models.face.training.published makes two teachers in .cache/)")
    arguments.epochs = arguments.epochs or SIZES[arguments.size].epochs
    arguments.runs = arguments.runs / arguments.size
    keras.utils.set_random_seed(arguments.seed)
    path = require(arguments.data, data.FILE)
    faces, public, private = (data.load(path, split) for split in ("training", "public", "private"))
    if arguments.quick:
        arguments.epochs = min(arguments.epochs, 2)
        faces, public, private = (data.head(split, QUICK_ROWS) for split in (faces, public, private))
    rng = np.random.default_rng(arguments.seed)
    rows = rng.choice(len(faces), min(CALIBRATION_ROWS, len(faces)), replace=False)
    calibration = [(as_input(data.augment(faces.images[row], rng)),) for row in rows]
    try:
        model = train(arguments, faces, public)
        model.save(arguments.runs / "model.keras")
        floating = convert(model, "float32", progress=print)
        print("rounding the weights", flush=True)
        quantised = convert_corrected(rounded(model, calibration), "logits", floating, calibration, progress=print)
        parity = measure(floating, quantised, [(as_input(image),) for image in public.images])
        temperature = fit_temperature(outputs(quantised, public), public.labels)
        out = arguments.out or shipped.model("face", f"face_{arguments.size}")
        teachers = [teacher.name for teacher in arguments.teacher]
        published_names = {published.FER.name, published.HUMAN.name}
        card = make_card(
            quantised,
            name=f"face-{arguments.size}",
            task="facial expression",
            file=out.name,
            temperature=round(temperature, 4),
            front_end=FRONT_END,
            training=[
                *([] if arguments.from_scratch else [pretrained.CORPUS]),
                *(Corpus(name=name, terms=terms, rows=len(faces)) for name, terms in CORPORA),
            ],
            train_command=f"python -m models.face.train --data DIR --size {arguments.size} --epochs {arguments.epochs} "
            f"--seed {arguments.seed}"
            + (" --teacher " + " ".join(teachers) if teachers else "")
            + (f" --worse {arguments.worse:g}" if arguments.worse else "")
            + (f" --start {arguments.start.name}" if arguments.start else "")
            + (" --keep-stem" if arguments.keep_stem else "")
            + (" --from-scratch" if arguments.from_scratch else ""),
            recipe=recipe(arguments),
            scores=[
                *scores("int8", outputs(quantised, private), temperature, private),
                *scores("float32", outputs(floating, private), temperature, private),
            ],
            notes=[
                f"int8 against float32 on {parity.n:,} PublicTest images: {parity.agreement:.2%} equal decisions, "
                f"mean KL divergence {parity.divergence:.4f} nats",
                "an emotion label is what raters saw in a posed or web photograph, not what a person feels",
                *([f"taught by {', '.join(teachers)}; {published.TERMS}"] if published_names & set(teachers) else []),
            ],
            input_meanings=["grey face framed as FER2013 frames it, black 0 … white 1"],
            output_meanings=["logits in the order of labels, before the temperature"],
        )
        save(quantised, card, out)
    except EdgeEmotionError as error:
        sys.exit(f"error: {error}")
    print(f"{out}: {card.bytes:,} bytes, PrivateTest accuracy {card.scores[0].accuracy:.2%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
