"""What the nets of `models.voice.protocols.folds` score together, each on the speakers that it has never heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.inference.card import Score
from edge.inference.interpreter import Interpreter
from edge.inference.posterior import softmax
from edge.voice.standardizer import Standardizer
from models.metrics import single_label
from models.voice import data
from models.voice.protocols.folds import CLASSES, OUTPUTS, SHARED, head

PROTOCOLS: Final = {
    "RAVDESS": "RAVDESS, 8 classes, five folds by actor",
    "CREMA-D": "CREMA-D, 6 classes, five folds by actor",
    "EMO-DB": "EMO-DB, 7 classes, one speaker left out, 2 s clips",
}
ALL: Final = "all three corpora over the seven labels, speakers left out"
INT8: Final = "int8 nets of the folds"
FLOAT32: Final = "float32 nets of the folds"
TOGETHER: Final = "held-out speakers of RAVDESS, CREMA-D and EMO-DB together"
SEVEN: Final = head(SHARED)


def file(number: int, beside: Path | None = None) -> Path:
    """Where the net of a fold lies: in `folds/` beside the shipped model, or beside another."""
    return (beside or shipped.model("voice", "voice")).parent / "folds" / f"fold{number}.tflite"


def logits(interpreter: Interpreter, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, outputs) for (n, 897) standardised functionals, one clip at a time as on the device."""
    return np.stack([interpreter.run(row[None])[0][0] for row in values])


def out_of_fold(
    nets: Sequence[tuple[Interpreter, Standardizer]], values: NDArray[np.float32], voices: data.Voices
) -> NDArray[np.float32]:
    """(n, `OUTPUTS`): what the net of each clip's fold says about it. `values`: (n, 897), not standardised."""
    found = np.zeros((len(voices), OUTPUTS), np.float32)
    for number, (interpreter, standard) in enumerate(nets):
        rows = np.flatnonzero(voices.folds == number)
        if len(rows):
            found[rows] = logits(interpreter, standard.apply(values[rows]))
    return found


def scores(model: str, outputs: NDArray[np.float32], temperatures: Sequence[float], voices: data.Voices) -> list[Score]:
    """Each corpus over its own classes, all of its clips together, and all corpora over the seven labels.

    `temperatures`: of the folds.
    """
    calibrated = outputs / np.asarray(temperatures, np.float32)[voices.folds][:, None]
    found = []
    for corpus, names in CLASSES.items():
        of = voices.corpora == corpus
        posterior = softmax(calibrated[of][:, head(corpus)], 1.0)
        found.append(single_label(model, PROTOCOLS[corpus], posterior, voices.classes[of], names))
    known = voices.labels != data.NONE
    posterior = softmax(calibrated[known][:, SEVEN], 1.0)
    return [*found, single_label(model, ALL, posterior, voices.labels[known], LABELS)]


def seven(model: str, outputs: NDArray[np.float32], temperature: float, voices: data.Voices) -> list[Score]:
    """The shipped model's: (n, 7) logits on the speakers of fold 0, all corpora together, then each alone."""
    posterior = softmax(outputs, temperature)
    known = voices.labels != data.NONE
    found = [single_label(model, TOGETHER, posterior[known], voices.labels[known], LABELS)]
    for corpus in CLASSES:
        of = known & (voices.corpora == corpus)
        if of.any():
            name = f"held-out speakers of {corpus}: {', '.join(sorted(set(voices.speakers[of])))}"
            found.append(single_label(model, name, posterior[of], voices.labels[of], LABELS))
    return found
