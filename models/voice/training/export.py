"""The end of the voice training: ten int8 files that measure the protocol, and the one that ships."""

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

TERMS: Final = {
    "RAVDESS": "CC BY-NC-SA 4.0, Livingstone & Russo 2018",
    "CREMA-D": "ODbL 1.0 / DbCL 1.0, Cao et al. 2014",
    "EMO-DB": "free for research, Burkhardt et al. 2005",
}
RECIPE: Final = (
    "one hidden layer of low rank over 860 functionals of the log-mel and 37 of the pitch; a head for each corpus's "
    "classes and one for the seven labels, learnt at once; class-balanced loss, label smoothing, mixup, dropout; "
    "crops, hiss, tempo, vocal-tract and equaliser changes, a quarter in made-up noise of 3 to 35 dB SNR; AdamW with "
    "cosine schedule, fixed epochs; int8 after training"
)
INPUT: Final = "functionals of the log-mel and of the pitch, standardised"


@dataclass(frozen=True)
class Net:
    """A trained net and what its input is standardised by."""

    model: Any
    standard: Standardizer


def corpora(voices: data.Voices) -> list[Corpus]:
    """What a net was trained on, for its card."""
    rows = [(name, terms, int((voices.corpora == name).sum())) for name, terms in TERMS.items()]
    return [Corpus(name=name, terms=terms, rows=count) for name, terms, count in rows if count]


def calibrated(net: Net, heard: NDArray[np.float32]) -> Quantise:
    """Conversion to int8, its ranges measured on clips that the net was trained on: (variants, n, 897)."""
    rows = heard.reshape(-1, heard.shape[-1])
    some = rows[:: max(1, len(rows) // CALIBRATION_ROWS)]
    return int8([(row[None],) for row in net.standard.apply(some)])


def only(net: Net, name: str) -> Net:
    """The same net with one of its heads."""
    small = build(outputs=SIZES[name])
    kernel, bias = net.model.get_layer("logits").get_weights()
    # By layer: the order of `get_weights` of a whole model is not that of its layers.
    for old, new in zip(net.model.layers[:-1], small.layers[:-1], strict=True):
        new.set_weights(old.get_weights())
    small.get_layer("logits").set_weights([kernel[:, head(name)], bias[head(name)]])
    return Net(small, net.standard)


def temperature_of(outputs: NDArray[np.float32], voices: data.Voices, heads: Sequence[str]) -> float:
    """The temperature that fits these heads on clips that the net has not heard."""
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
    """The int8 file and card of each fold beside `out`, and the shipped model as `out`.

    Args:
        nets: Of the folds, in order.
        values: (variants, n, 897), not standardised; the clips as they are come first.
        voices: The n clips.
        command: What trains the same nets again.
        out: Where the shipped model goes.
        run: Folder of the run, whose log gets a line for each net.

    Returns:
        The card of the shipped model.

    Raises:
        ConversionError: A net cannot be converted or written.
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
    # What calibrates a net comes from its siblings: each clip's posterior is that of a net which has not heard it.
    temperatures = [temperature_of(outputs["int8"][rest], voices.rows(rest), list(CLASSES)) for rest in others]
    for number, (net, both) in enumerate(zip(nets, converted, strict=True)):
        path = protocol.file(number, out)
        finish.write(both, of_fold(net, number, len(nets), temperatures[number], voices, command), path, run)
    small = only(nets[0], SHARED)
    return finish.finish(small.model, to_ship(small, values, voices, outputs, temperatures, command), out, run)


def of_fold(net: Net, number: int, count: int, temperature: float, voices: data.Voices, command: str) -> Ending:
    """One of `count` nets that only measure the protocol, calibrated by its siblings."""
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
    """The first fold's net with the head of seven labels.

    Args:
        net: With that head alone.
        values: (variants, n, 897), not standardised.
        voices: The n clips.
        outputs: For each form, (n, `OUTPUTS`) of the folds' nets about clips that they have not heard.
        temperatures: Of the folds' nets.
        command: What trains the same nets again.
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
