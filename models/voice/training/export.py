"""Exports the voice networks: ten int8 files that measure the protocol, and the file that ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.emotions import LABELS
from edge.inference.card import Card, Corpus, Score
from edge.inference.interpreter import Interpreter
from edge.voice.standardizer import Standardizer
from models.metrics import fit_temperature
from models.training import finish
from models.training.finish import Calibration, Ending, Quantise, convert_both, decisions, int8
from models.voice import data
from models.voice.nets.emotion import build
from models.voice.protocols import held_out as protocol
from models.voice.protocols.folds import CLASSES, SHARED, SIZES, head

CALIBRATION_ROWS: Final = 400
"""Approximate number of rows that set the int8 ranges."""

TERMS: Final = {
    "RAVDESS": "CC BY-NC-SA 4.0, Livingstone & Russo 2018",
    "CREMA-D": "ODbL 1.0 / DbCL 1.0, Cao et al. 2014",
    "EMO-DB": "free for research, Burkhardt et al. 2005",
}
"""Terms of use of each corpus, for the card."""
RECIPE: Final = (
    "one hidden layer of low rank over 860 functionals of the log-mel and 37 of the pitch; a head for each corpus's "
    "classes and one for the seven labels, learnt at once; class-balanced loss, label smoothing, mixup, dropout; "
    "crops, hiss, tempo, vocal-tract and equaliser changes, a quarter in made-up noise of 3 to 35 dB SNR; AdamW with "
    "cosine schedule, fixed epochs; int8 after training"
)
"""Summary of the training for the card."""
INPUT: Final = "functionals of the log-mel and of the pitch, standardised"
"""Meaning of the input for the card."""


@dataclass(frozen=True)
class Net:
    """A trained network with the standardizer of its input."""

    model: Any
    """The Keras model."""
    standard: Standardizer
    """Mean and deviation of the training features."""


def corpora(voices: data.Voices) -> list[Corpus]:
    """The training corpora of a network, for its card."""
    rows = [(name, terms, int((voices.corpora == name).sum())) for name, terms in TERMS.items()]
    return [Corpus(name=name, terms=terms, rows=count) for name, terms, count in rows if count]


def calibrated(net: Net, heard: NDArray[np.float32]) -> Quantise:
    """Conversion to int8 with ranges measured on training clips: `heard` is (variants, n, 897), not standardised."""
    rows = heard.reshape(-1, heard.shape[-1])
    some = rows[:: max(1, len(rows) // CALIBRATION_ROWS)]
    return int8([(row[None],) for row in net.standard.apply(some)])


def only(net: Net, name: str) -> Net:
    """The same network with only the head `name`."""
    small = build(outputs=SIZES[name])
    kernel, bias = net.model.get_layer("logits").get_weights()
    # Copied by layer, because `get_weights` of a whole model has another order than its layers.
    for old, new in zip(net.model.layers[:-1], small.layers[:-1], strict=True):
        new.set_weights(old.get_weights())
    small.get_layer("logits").set_weights([kernel[:, head(name)], bias[head(name)]])
    return Net(small, net.standard)


def temperature_of(outputs: NDArray[np.float32], voices: data.Voices, heads: Sequence[str]) -> float:
    """Mean of the temperatures fitted for each of some heads.

    Args:
        outputs: (n, `OUTPUTS`) logits of clips that do not occur in the network's training.
        voices: The n clips.
        heads: Names of the heads.
    """
    best = []
    for name in heads:
        known = voices.labels != data.NONE if name == SHARED else voices.corpora == name
        truth = voices.labels if name == SHARED else voices.classes
        if known.any():
            best.append(fit_temperature(outputs[known][:, head(name)], truth[known]))
    return float(np.mean(best))


def write(
    nets: Sequence[Net], values: NDArray[np.float32], voices: data.Voices, command: str, out: Path, run: Path
) -> Card:
    """Writes the int8 file and card of each fold into a folder beside `out`, and the shipped model to `out`.

    Args:
        nets: Networks of the folds, in order.
        values: (variants, n, 897) features, not standardised; the first variant is the unchanged clips.
        voices: The n clips.
        command: Command line that trains the same networks again.
        out: Path of the shipped model.
        run: Folder of the run, to whose log a line is appended for each network.

    Returns:
        The card of the shipped model.

    Raises:
        ConversionError: A network cannot be converted or written.
    """
    converted = []
    for number, net in enumerate(nets):
        print(f"fold {number}: converting")
        converted.append(convert_both(net.model, calibrated(net, values[:, ~voices.unheard(number)])))
    outputs = {
        form: protocol.out_of_fold(
            [(Interpreter(file), net.standard) for file, net in zip(files, nets, strict=True)], values[0], voices
        )
        for form, files in (
            ("int8", [both.small for both in converted]),
            ("float32", [both.floating for both in converted]),
        )
    }
    others = [voices.folds != number for number in range(len(nets))]
    # A network is calibrated on outputs of the other folds, each from a network that has not seen the clip.
    temperatures = [temperature_of(outputs["int8"][rest], voices.rows(rest), list(CLASSES)) for rest in others]
    for number, (net, both) in enumerate(zip(nets, converted, strict=True)):
        path = protocol.file(number, out)
        finish.write(both, of_fold(net, number, len(nets), temperatures[number], voices, command), path, run)
    small = only(nets[0], SHARED)
    return finish.finish(small.model, to_ship(small, values, voices, outputs, temperatures, command), out, run)


def of_fold(net: Net, number: int, count: int, temperature: float, voices: data.Voices, command: str) -> Ending:
    """Contents of the card of one fold's network, which only measures the protocol.

    Args:
        net: The network.
        number: Number of the fold.
        count: Number of folds.
        temperature: Temperature fitted on the other folds.
        voices: All clips.
        command: Command line that trains the same networks again.
    """
    return Ending(
        name=f"fold{number}",
        task="emotion in the voice, measured on speakers left out",
        command=command,
        recipe=RECIPE,
        training=corpora(voices.rows(~voices.unheard(number))),
        front_end=net.standard.front_end(),
        quantise=int8(()),
        labels=[f"{corpus} {name}" for corpus, names in (*CLASSES.items(), (SHARED, LABELS)) for name in names],
        output_kind="other",
        calibrate=lambda _: Calibration(temperature),
        notes=[f"one of the {count} nets that measure the protocol; it has not heard {_speakers(voices, number)}"],
        input_meanings=[INPUT],
        output_meanings=["logits of each corpus's classes, then of the seven labels, before the temperature"],
    )


def to_ship(
    net: Net,
    values: NDArray[np.float32],
    voices: data.Voices,
    outputs: Mapping[str, NDArray[np.float32]],
    temperatures: Sequence[float],
    command: str,
) -> Ending:
    """Contents of the card, calibration and scores of the shipped model: fold 0 with the seven-label head.

    Args:
        net: The network of fold 0 with the seven-label head only.
        values: (variants, n, 897) features, not standardised.
        voices: The n clips.
        outputs: For each form, (n, `OUTPUTS`) logits, each row from the network of the fold that holds the clip out.
        temperatures: Temperatures of the folds.
        command: Command line that trains the same networks again.
    """
    held_out = voices.unheard(0)
    rest, test = voices.rows(~held_out), voices.rows(held_out)
    shown = net.standard.apply(values[0, held_out])
    together = {"int8": protocol.INT8, "float32": protocol.FLOAT32}

    def score(form: str, model: bytes, fitted: Calibration) -> list[Score]:
        logits = protocol.logits(Interpreter(model), shown)
        return [
            *protocol.seven(form, logits, fitted.temperature, test),
            *protocol.scores(together[form], outputs[form], temperatures, voices),
        ]

    return Ending(
        name="voice",
        task="emotion in the voice",
        version="3",
        command=command,
        recipe=RECIPE,
        training=corpora(rest.rows(rest.labels != data.NONE)),
        front_end=net.standard.front_end(),
        quantise=calibrated(net, values[:, ~held_out]),
        parity_rows=[(row[None],) for row in shown],
        calibrate=lambda _: Calibration(temperature_of(outputs["int8"][~held_out], rest, [SHARED])),
        score=score,
        parity_note=lambda parity: decisions(parity, "held-out clips"),
        notes=[
            "the temperature was fitted on what the nets of the other folds say of speakers they have not heard",
            "RAVDESS calm counts as neutral, EMO-DB boredom as none of the seven labels; only RAVDESS has surprise",
            "all three corpora are acted: everyday voices are less marked",
        ],
        input_meanings=[INPUT],
        output_meanings=["logits in the order of labels, before the temperature"],
    )


def _speakers(voices: data.Voices, number: int) -> str:
    of = voices.unheard(number)
    return "; ".join(f"{c} {', '.join(sorted(set(voices.speakers[of & (voices.corpora == c)])))}" for c in CLASSES)
