"""`python -m models.face.finetune --data DIR --start FILE`: goes on from a face model with FER2013 and RAF-DB.

The faces are given to the network with up to 112×112 pixels instead of 48×48: RAF-DB's have 100×100, and so does a face
in front of a robot's camera. Writes int8 TFLite and its card.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from converters.bias import convert_corrected
from converters.calibration import Row
from converters.rounding import rounded
from edge import shipped
from edge.emotions import COUNT
from edge.face.crop import as_input, front_end
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.face import data, pretrained, rafdb
from models.face.evaluate import rafdb_score, scores
from models.face.nets import mobilenet
from models.face.train import CALIBRATION_ROWS, QUICK_ROWS
from models.face.train import CORPORA as FER_CORPORA
from models.face.training import published
from models.face.training.mixed import Batches, Part
from models.face.training.sizes import SIZES
from models.face.training.start import STATISTICS_ROWS, start_from
from models.face.training.targets import TEACHER_SHARE, TEACHER_TEMPERATURE, run_each, soft_targets
from models.face.training.views import NATIVE_SHARE, enlarged, view
from models.metrics import fit_temperature
from models.training.finish import Calibration, Ending, decisions, finish

WARMUP_STEPS: Final = 40
"""Batches in which the learning rate rises to its peak."""
WATCHED_ROWS: Final = 700
"""Held-out faces of each corpus on which each epoch is measured."""
FER_BALANCE: Final = 0.3
"""Power of the inverse label frequency by which a face of FER2013 weighs."""
RAFDB_BALANCE: Final = 0.5
"""The same for RAF-DB, which has 281 faces in fear and 4,772 in happiness."""
SMOOTHING: Final = 0.1
"""Share of a RAF-DB target that is spread over all labels."""
EPOCH_ROWS: Final = 12_288
"""Faces in an epoch."""
RAFDB_SHARE: Final = 0.5
"""Share of RAF-DB in them. With 0.6 a network forgot more of FER2013 than it had time to learn again."""
SETTLED: Final = 0.3
"""Share of the peak learning rate at which the first phase ends and the second begins."""


def opinions(teacher: Path, images: NDArray[np.uint8], kept: Path) -> NDArray[np.float32]:
    """(n, 7) posterior of a teacher on each face (Hinton et al., 2015).

    Args:
        teacher: A `.tflite` face model with one square input of any side.
        images: (n, s, s) grey faces.
        kept: File that keeps the result, so that a run can resume.

    Raises:
        ModelError: The teacher does not run.
    """
    if not kept.is_file():
        interpreter = Interpreter(teacher.read_bytes(), f"teacher {teacher}")
        side = int(interpreter.inputs[0].shape[1])
        found = np.zeros((len(images), COUNT), np.float32)
        for rows in training.batches(len(images), 512):
            given = as_input(enlarged(images[rows], side))
            found[rows] = softmax(run_each(interpreter, given), TEACHER_TEMPERATURE)
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, found)
    return np.asarray(np.load(kept), np.float32)


def parts(arguments: Namespace, fer: data.Faces, raf: rafdb.Faces) -> tuple[Part, ...]:
    """The training rows of both corpora with their targets.

    A FER2013 target is mostly the teacher's opinion, because that corpus's labels are noisy; of RAF-DB's the teacher
    has a say only with `--teach-rafdb`.
    """
    hard = np.eye(COUNT, dtype=np.float32)[raf.labels]
    targets = {"fer2013": soft_targets(fer), "rafdb": (1 - SMOOTHING) * hard + SMOOTHING / COUNT}
    images = {"fer2013": fer.images, "rafdb": raf.images}
    for name in ("fer2013", "rafdb") if arguments.teach_rafdb else ("fer2013",):
        opinion = opinions(arguments.teacher, images[name], arguments.runs / f"opinion_{name}.npy")
        targets[name] = (1 - TEACHER_SHARE) * targets[name] + TEACHER_SHARE * opinion
    return (
        Part(fer.images, fer.labels, targets["fer2013"].astype(np.float32), 1 - RAFDB_SHARE, FER_BALANCE),
        Part(raf.images, raf.labels, targets["rafdb"].astype(np.float32), RAFDB_SHARE, RAFDB_BALANCE),
    )


def train(arguments: Namespace, known: tuple[Part, ...], held_out: tuple[Any, Any]) -> Any:
    """Trains the network, first the blocks above the stem and then, unless the stem is kept, all of them.

    Args:
        arguments: Parsed command line.
        known: Training rows of each corpus.
        held_out: Inputs and one-hot labels of held-out faces, by which the best epoch is chosen.

    Returns:
        The float model of the best epoch.

    Raises:
        ConversionError: The file to start from does not fit the network.
    """
    size = SIZES[arguments.size]
    model = size.build(size.side)
    sample = np.concatenate([enlarged(part.images[: STATISTICS_ROWS // 2], size.side) for part in known])
    start_from(model, arguments.start, as_input(sample))
    first = arguments.first
    for phase, epochs, peak, end in (
        ("head", first, arguments.rate, SETTLED),
        ("whole", arguments.epochs - first, arguments.rate * (SETTLED if first else 1.0), 0.0),
    ):
        if not epochs:
            continue
        seed = arguments.seed + (phase == "whole")
        batches = Batches(known, size.side, seed, rows=arguments.rows, worse=arguments.worse)
        mobilenet.freeze_stem(model, phase == "head" or arguments.keep_stem)
        warmup = min(WARMUP_STEPS, len(batches) // 2)
        rate = keras.optimizers.schedules.CosineDecay(
            peak / 25,
            epochs * len(batches) - warmup,
            alpha=end,
            warmup_target=peak,
            warmup_steps=warmup,
        )
        model.compile(
            optimizer=keras.optimizers.AdamW(rate, weight_decay=0.02),
            loss=keras.losses.CategoricalCrossentropy(from_logits=True),
            metrics=["accuracy"],
        )
        best = training.fit(
            model, batches, held_out, epochs=epochs, folder=arguments.runs / phase, monitor="val_accuracy"
        )
        model.load_weights(best)
    return model


def recipe(arguments: Namespace) -> str:
    """Summary of the training for the card."""
    size = SIZES[arguments.size]
    trained = "all but its first blocks" if arguments.keep_stem else "first above the stem, then whole"
    also = " and RAF-DB's" if arguments.teach_rafdb else ""
    return (
        f"the first {len(size.filters)} blocks of MobileNet v1, {size.first} to {size.filters[-1]} filters wide, on "
        f"grey faces of {size.side}×{size.side}, gone on from {arguments.start.name}, {trained}; "
        f"{RAFDB_SHARE:.0%} of the faces of an epoch from RAF-DB (labels smoothed by {SMOOTHING:g}), the others "
        f"from FER2013 (0.7 label + 0.3 FER+ votes), {TEACHER_SHARE:g} of FER2013's{also} targets the opinion of "
        f"{arguments.teacher.name}; {1 - NATIVE_SHARE:.0%} of RAF-DB's faces shrunk to 48×48 first, affine, light and "
        f"cut-out augmentation, {arguments.worse:g} of the pictures made worse, classes weighed by "
        f"frequency^-{RAFDB_BALANCE:g} (FER2013: ^-{FER_BALANCE:g}), AdamW with cosine schedule; best epoch and "
        "temperature by PublicTest and 1,500 held-out rows of RAF-DB's training part; int8 after training, weights "
        "rounded in view of each other (GPTQ), mean answer corrected"
    )


def command(arguments: Namespace) -> str:
    """Command line that trains the same model again; files are given by their names without folders."""
    return training.train_command(
        "face.finetune",
        arguments,
        f"--size {arguments.size} --start {arguments.start.name} --teacher {arguments.teacher.name}",
        "--teach-rafdb" if arguments.teach_rafdb else "",
        f"--first {arguments.first}",
        "--keep-stem" if arguments.keep_stem else "",
        f"--worse {arguments.worse:g} --rate {arguments.rate:g} --rows {arguments.rows}",
    )


@dataclass(frozen=True, eq=False)
class Held:
    """The faces on which a model is calibrated and scored."""

    public: data.Faces
    """FER2013's PublicTest."""
    raf: rafdb.Faces
    """The held-out rows of RAF-DB's training part."""
    private: data.Faces
    """FER2013's PrivateTest."""
    raf_test: rafdb.Faces
    """RAF-DB's test part."""


def ending(arguments: Namespace, known: tuple[Part, ...], prior: Sequence[float], held: Held) -> Ending:
    """Contents of the card, quantisation, calibration on held-out faces and scores on the test faces.

    Args:
        arguments: Parsed command line.
        known: Training rows, a sample of which sets the int8 ranges and the rounding of the weights.
        prior: Prior of the labels that the targets amount to.
        held: Faces that are not trained on.
    """
    side = SIZES[arguments.size].side
    rng = np.random.default_rng(arguments.seed)
    calibration: list[Row] = [
        (as_input(view(part.images[row], side, arguments.worse, rng)),)
        for part in known
        for row in rng.choice(len(part), min(CALIBRATION_ROWS // 2, len(part)), replace=False)
    ]
    inputs = {
        name: as_input(enlarged(faces.images, side))
        for name, faces in (
            ("public", held.public),
            ("raf", held.raf),
            ("private", held.private),
            ("raf_test", held.raf_test),
        )
    }

    def outputs(model: bytes, name: str) -> NDArray[np.float32]:
        return run_each(Interpreter(model), inputs[name])

    def quantise(model: Any, floating: bytes) -> bytes:
        print("rounding the weights", flush=True)
        return convert_corrected(rounded(model, calibration), "logits", floating, calibration, progress=print)

    def calibrate(small: bytes) -> Calibration:
        count = min(len(held.raf), len(held.public))
        found = np.concatenate([outputs(small, "raf")[:count], outputs(small, "public")[:count]])
        return Calibration(
            fit_temperature(found, np.concatenate([held.raf.labels[:count], held.public.labels[:count]]))
        )

    return Ending(
        name=f"face-{arguments.size}",
        task="facial expression",
        version="2",
        command=command(arguments),
        recipe=recipe(arguments),
        training=[
            pretrained.CORPUS,
            *(Corpus(name=name, terms=terms, rows=len(known[0])) for name, terms in FER_CORPORA),
            Corpus(name="RAF-DB, basic", terms=rafdb.TERMS, rows=len(known[1])),
        ],
        front_end=front_end(side),
        prior=prior,
        quantise=quantise,
        parity_rows=[(image[None],) for image in np.concatenate([inputs["public"], inputs["raf"]])],
        calibrate=calibrate,
        score=lambda form, model, fitted: (
            *scores(form, outputs(model, "private"), fitted.temperature, held.private),
            rafdb_score(form, outputs(model, "raf_test"), fitted.temperature, held.raf_test),
        ),
        parity_note=lambda parity: decisions(parity, "images of PublicTest and held out of RAF-DB"),
        notes=[
            "an emotion label is what raters saw in a posed or web photograph, not what a person feels",
            f"the file it went on from was taught by two published nets; {published.TERMS}",
        ],
        input_meanings=["grey face framed as FER2013 frames it, black 0 … white 1"],
        output_meanings=["logits in the order of labels, before the temperature"],
    )


def parse() -> Namespace:
    """Parses the command line and checks that its files exist before any work starts."""
    parser = training.argument_parser("face.finetune", epochs=20)
    parser.add_argument("--size", choices=tuple(SIZES), default="small", help="which model (%(default)s)")
    parser.add_argument(
        "--start", type=Path, required=True, help="a .keras or .tflite model of this size to go on from"
    )
    parser.add_argument("--teacher", type=Path, required=True, help="a .tflite model whose opinion is in the targets")
    parser.add_argument("--teach-rafdb", action="store_true", help="the teacher has learnt RAF-DB and teaches it too")
    parser.add_argument("--first", type=int, default=8, help="epochs without the first blocks (%(default)s)")
    parser.add_argument("--keep-stem", action="store_true", help="leave the first blocks as they are to the end")
    parser.add_argument("--worse", type=float, default=0.2, metavar="SHARE", help="degraded views (%(default)g)")
    parser.add_argument("--rate", type=float, default=6e-4, help="peak learning rate (%(default)g)")
    parser.add_argument("--rows", type=int, default=EPOCH_ROWS, help="faces in an epoch (%(default)s)")
    arguments = parser.parse_args()
    arguments.first = min(arguments.first, arguments.epochs)
    for file in (arguments.start, arguments.teacher):
        if not file.is_file():
            parser.error(f"{file}: no such file")
    arguments.runs = arguments.runs / f"finetune_{arguments.size}"
    return arguments


@one_line_errors
def main() -> int:
    arguments = parse()
    keras.utils.set_random_seed(arguments.seed)
    fer_path, raf_path = (require(arguments.data, file) for file in (data.FILE, rafdb.FILE))
    fer, public = (data.load(fer_path, split) for split in ("training", "public"))
    raf, held = (rafdb.load(raf_path, split) for split in ("training", "held out"))
    if arguments.quick:
        arguments.epochs, arguments.rows = 2, QUICK_ROWS
        fer, public = (data.head(split, QUICK_ROWS) for split in (fer, public))
        raf, held = (rafdb.head(split, QUICK_ROWS) for split in (raf, held))
    side = SIZES[arguments.size].side
    watched = [faces.images[:WATCHED_ROWS] for faces in (held, public)]
    inputs = as_input(np.concatenate([enlarged(images, side) for images in watched]))
    labels = np.eye(COUNT, dtype=np.float32)[np.concatenate([faces.labels[:WATCHED_ROWS] for faces in (held, public)])]
    known = parts(arguments, fer, raf)
    model = train(arguments, known, (inputs, labels))
    model.save(arguments.runs / "model.keras")
    private, raf_test = data.load(fer_path, "private"), rafdb.load(raf_path, "test")
    if arguments.quick:
        private, raf_test = data.head(private, QUICK_ROWS), rafdb.head(raf_test, QUICK_ROWS)
    prior = Batches(known, side, arguments.seed, rows=arguments.rows).prior
    out = arguments.out or shipped.model("face", f"face_{arguments.size}")
    finish(model, ending(arguments, known, prior.tolist(), Held(public, held, private, raf_test)), out, arguments.runs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
