"""Scores of the networks of `models.voice.protocols.folds`, each on its held-out speakers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import LABELS
from edge.inference.card import Score
from edge.inference.interpreter import Interpreter, open_model
from edge.inference.posterior import softmax
from edge.voice.standardizer import Standardizer
from models.metrics import single_label
from models.voice import data, features
from models.voice.clips import clips
from models.voice.protocols.folds import CLASSES, FOLD_COUNT, OUTPUTS, SHARED, head

PROTOCOLS: Final = {
    "RAVDESS": "RAVDESS, 8 classes, five folds by actor",
    "CREMA-D": "CREMA-D, 6 classes, five folds by actor",
    "EMO-DB": "EMO-DB, 7 classes, one speaker left out, 2 s clips",
}
"""Name of the protocol of each corpus over its own classes."""
ALL: Final = "all three corpora over the seven labels, speakers left out"
"""Name of the protocol over the seven labels."""
INT8: Final = "int8 nets of the folds"
"""Model name of the int8 networks in the scores."""
FLOAT32: Final = "float32 nets of the folds"
"""Model name of the float32 networks in the scores."""
TOGETHER: Final = "held-out speakers of RAVDESS, CREMA-D and EMO-DB together"
"""Name of the protocol of the shipped model on all corpora."""
SEVEN: Final = head(SHARED)
"""Position of the seven labels' logits among the outputs."""


def file(number: int, beside: Path | None = None) -> Path:
    """Path of the network of a fold: in `folds/` beside the shipped model, or beside the model `beside`."""
    return (beside or shipped.model("voice", "voice")).parent / "folds" / f"fold{number}.tflite"


def logits(interpreter: Interpreter, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, outputs) logits for (n, 897) standardised features, one clip at a time as on the device."""
    return np.stack([interpreter.run(row[None])[0][0] for row in values])


def out_of_fold(
    nets: Sequence[tuple[Interpreter, Standardizer]], values: NDArray[np.float32], voices: data.Voices
) -> NDArray[np.float32]:
    """Logits of each clip from the network of the fold that holds its speaker out.

    Args:
        nets: Network and standardizer of each fold.
        values: (n, 897) features, not standardised.
        voices: The n clips.

    Returns:
        (n, `OUTPUTS`) logits.
    """
    found = np.zeros((len(voices), OUTPUTS), np.float32)
    for number, (interpreter, standard) in enumerate(nets):
        rows = np.flatnonzero(voices.folds == number)
        if len(rows):
            found[rows] = logits(interpreter, standard.apply(values[rows]))
    return found


def scores(model: str, outputs: NDArray[np.float32], temperatures: Sequence[float], voices: data.Voices) -> list[Score]:
    """Scores of each corpus over its own classes, and of all corpora over the seven labels.

    Args:
        model: Name of the measured networks.
        outputs: (n, `OUTPUTS`) logits of `out_of_fold`.
        temperatures: Temperature of each fold.
        voices: The n clips.
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
    """Scores of the shipped model over the seven labels, for all corpora together and then for each alone.

    Args:
        model: Name of the measured model.
        outputs: (n, 7) logits.
        temperature: Temperature of the softmax.
        voices: The n clips of the speakers of fold 0.
    """
    posterior = softmax(outputs, temperature)
    known = voices.labels != data.NONE
    found = [single_label(model, TOGETHER, posterior[known], voices.labels[known], LABELS)]
    for corpus in CLASSES:
        of = known & (voices.corpora == corpus)
        if of.any():
            name = f"held-out speakers of {corpus}: {', '.join(sorted(set(voices.speakers[of])))}"
            found.append(single_label(model, name, posterior[of], voices.labels[of], LABELS))
    return found


def shipped_scores(model: Path, folder: Path, report: Callable[[str], None]) -> list[Score]:
    """Scores of the shipped small model on its held-out speakers, and of the ten networks of the folds beside it.

    Args:
        model: Path of the shipped model.
        folder: Folder of the voice corpora.
        report: Receives lines of progress.
    """
    voices = data.load(clips(folder), report)
    values, test = features.of(voices), voices.folds == 0
    interpreter, card = open_model(model)
    outputs = logits(interpreter, Standardizer.read(card.front_end).apply(values[test]))
    found = seven("int8", outputs, card.temperature, voices.rows(test))
    opened = [open_model(file(number, model)) for number in range(FOLD_COUNT)]
    nets = [(net, Standardizer.read(one.front_end)) for net, one in opened]
    return found + scores(INT8, out_of_fold(nets, values, voices), [one.temperature for _, one in opened], voices)
