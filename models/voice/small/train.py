"""`python -m models.voice.small.train --data DIR`: trains the small networks of the protocols.

1. One network learns nEMO and TESS, which no protocol measures; all others start from it.
2. Five networks learn all corpora but the speakers of one fold of RAVDESS and CREMA-D and of two of EMO-DB.
3. Three networks learn all corpora but RAVDESS, CREMA-D or EMO-DB; their convolutions are those of the first network.

The first network of step 2, with the head of the seven labels, is written to `out/` of the run; the small model that
ships is another one (`models.voice.train`), for the reason in `models/voice/RUNS.md`. No network's weights, epochs or
temperature depend on a speaker on whom it is measured. The features of the teacher are those that
`python -m models.voice.whisper.extract --data DIR` leaves in `runs/whisper`.
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.card import Card
from edge.inference.interpreter import Interpreter
from models import training
from models.command import one_line_errors
from models.corpora import require
from models.voice.clips import whole_clips
from models.voice.protocols import scores as protocol
from models.voice.small import export, measure, net, student, teacher, variants
from models.voice.small.variants import Material
from models.voice.utterances import NO_FOLD

EPOCHS: Final = 7
"""Default number of epochs of 50 batches, in which the networks of the folds learn as a whole."""
BASE_EPOCHS: Final = 10
"""Epochs of the network from which the others start."""
FINISH: Final = 120
"""Epochs in which the layers after the convolutions of the folds' networks go on to learn."""
OTHERS_FINISH: Final = 20
"""The same for the networks of step 3."""
BASE: Final = "base"
"""Name of the network from which the others start."""
HELD_OUT: Final = 7
"""Every 7th clip of the shipped model's held-out speakers compares its two forms."""


def heard(material: Material, name: str) -> NDArray[np.int64]:
    """Rows of the clips that a network learns. `name`: `BASE` or one of `measure.NAMES`."""
    if name == BASE:
        return np.flatnonzero(material.spoken.folds == NO_FOLD)
    return np.flatnonzero(protocol.heard(material.spoken, name))


def nets(arguments: Namespace, material: Material, taught: teacher.Teacher, command: str) -> Iterator[export.Trained]:
    """Trains all networks but the base, or reads those that an earlier run has trained.

    Args:
        arguments: Parsed command line.
        material: All clips.
        taught: The teacher's features.
        command: Command line for the cards.

    Yields:
        The networks in the order of `measure.NAMES`.
    """
    folder = require(arguments.data, "voice")
    for number, name in enumerate((BASE, *measure.NAMES)):
        rows, run, seed = heard(material, name), arguments.runs / name, arguments.seed + number
        net = student.trained(material, rows, run)
        if net is None:
            shown = student.lesson(material, rows, taught, folder, arguments.seed)
            start = None if name == BASE else arguments.runs / BASE / student.LEARNT
            epochs = BASE_EPOCHS if name == BASE else arguments.epochs if name.startswith("fold") else 0
            net = student.train(shown, epochs, seed, run, start)
            if name == BASE:
                continue
            net = student.finish(net, shown, FINISH if name.startswith("fold") else OTHERS_FINISH, seed, run)
            print(f"{name} is trained", flush=True)
        yield export.Trained(name, net, material, rows, command)


def write(trained: list[export.Trained], folder: Path, out: Path, run: Path, seed: int) -> Card:
    """Converts, measures and writes all networks; the first one ships.

    Args:
        trained: The networks in the order of `measure.NAMES`.
        folder: Folder of the voice corpora.
        out: Path of the shipped file.
        run: Folder of the run.
        seed: Seed of the choice of calibration rows.

    Returns:
        The card of the shipped model.
    """
    shown = measure.measured(folder)
    files = {one.name: export.converted(one, seed) for one in trained}
    opened = {one.name: measure.Standardised(Interpreter(files[one.name]), one.net.standard) for one in trained}
    small, fitted = measure.scores("small, int8", measure.with_files(opened, print), shown)
    floating, _ = measure.scores("small, float32", measure.with_networks({o.name: o.net for o in trained}), shown)
    for one in trained:
        export.to_measure(one, files[one.name], measure.file(one.name, out), run)
    first = trained[0]
    rest = np.flatnonzero(~protocol.heard(first.material.spoken, first.name))[::HELD_OUT]
    features = export.features(first.net, first.material.mels[0][rest], first.material.functionals[0][rest])
    baseline, trust = np.zeros((1, net.EMBEDDING), np.float32), np.zeros((1, 1), np.float32)
    return export.to_ship(
        first,
        [(row[None], baseline, trust) for row in features],
        fitted[first.name],
        {"int8": small, "float32": floating},
        out,
        run,
    )


@one_line_errors
def main() -> int:
    parser = training.argument_parser("voice.small.train", epochs=EPOCHS)
    teach = "features of the teacher (%(default)s)"
    parser.add_argument("--teacher", type=Path, default=Path("runs/whisper"), help=teach)
    arguments = parser.parse_args()
    folder = require(arguments.data, "voice")
    material = variants.load(whole_clips(folder), arguments.runs / "cache", arguments.seed, print)
    taught = teacher.load(arguments.teacher, material, arguments.runs / "cache")
    command = training.train_command("voice.small.train", arguments)
    trained = list(nets(arguments, material, taught, command))
    out = arguments.out or arguments.runs / "out" / "voice.tflite"
    card = write(trained, folder, out, arguments.runs, arguments.seed)
    for score in card.scores:
        print(f"  {score.model}, {score.protocol}, baseline {score.baseline}: UAR {score.uar:.2%}, ECE {score.ece:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
