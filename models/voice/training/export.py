"""What becomes of the nets of the folds: int8 files that measure the protocol, and the model that ships."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from converters.cards import make_card, save
from converters.parity import measure
from converters.tflite import convert
from edge.emotions import LABELS
from edge.inference.card import Corpus
from edge.inference.interpreter import Interpreter
from edge.voice.standardizer import Standardizer
from models.metrics import fit_temperature
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


def quantised(net: Net, heard: NDArray[np.float32]) -> bytes:
    """The int8 form, calibrated on clips that the net was trained on: (variants, n, 897)."""
    rows = heard.reshape(-1, heard.shape[-1])
    chosen = rows[:: max(1, len(rows) // CALIBRATION_ROWS)]
    return convert(net.model, "int8", [(row[None],) for row in net.standard.apply(chosen)], progress=lambda _: None)


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


def write(nets: Sequence[Net], values: NDArray[np.float32], voices: data.Voices, command: str, out: Path) -> None:
    """The int8 file and card of each fold beside `out`, and the shipped model as `out`.

    `values`: (variants, n, 897), not standardised.
    """
    folds, floats = [], []
    for number, net in enumerate(nets):
        print(f"fold {number}: converting")
        folds.append(quantised(net, values[:, ~voices.unheard(number)]))
        floats.append(convert(net.model, "float32", progress=lambda _: None))
    eight, full = (
        protocol.out_of_fold(
            [(Interpreter(one), net.standard) for one, net in zip(files, nets, strict=True)], values[0], voices
        )
        for files in (folds, floats)
    )
    others = [voices.folds != number for number in range(len(nets))]
    # What calibrates a net comes from its siblings: each clip's posterior is that of a net which has not heard it.
    temperatures = [temperature_of(eight[rest], voices.rows(rest), list(CLASSES)) for rest in others]
    for number, one in enumerate(folds):
        path = protocol.file(number, out)
        card = make_card(
            one,
            name=path.stem,
            task="emotion in the voice, measured on speakers left out",
            file=path.name,
            labels=[f"{corpus} {name}" for corpus, names in (*CLASSES.items(), (SHARED, LABELS)) for name in names],
            output_kind="other",
            temperature=round(temperatures[number], 4),
            front_end=nets[number].standard.front_end(),
            training=corpora(voices.rows(~voices.unheard(number))),
            train_command=command,
            recipe=RECIPE,
            notes=[
                f"one of the {len(nets)} nets that measure the protocol; it has not heard {_speakers(voices, number)}"
            ],
            input_meanings=[INPUT],
            output_meanings=["logits of each corpus's classes, then of the seven labels, before the temperature"],
        )
        save(one, card, path)
    _ship(nets[0], values, voices, eight, full, temperatures, command, out)


def _ship(
    net: Net,
    values: NDArray[np.float32],
    voices: data.Voices,
    eight: NDArray[np.float32],
    full: NDArray[np.float32],
    temperatures: Sequence[float],
    command: str,
    out: Path,
) -> None:
    small, held_out = only(net, SHARED), voices.unheard(0)
    rest, test = voices.rows(~held_out), voices.rows(held_out)
    one = quantised(small, values[:, ~held_out])
    floating = convert(small.model, "float32", progress=lambda _: None)
    temperature = temperature_of(eight[~held_out], rest, [SHARED])
    shown = net.standard.apply(values[0, held_out])
    outputs = protocol.logits(Interpreter(one), shown)
    parity = measure(floating, one, [(row[None],) for row in shown])
    card = make_card(
        one,
        name="voice",
        task="emotion in the voice",
        file=out.name,
        version="3",
        temperature=round(temperature, 4),
        front_end=net.standard.front_end(),
        training=corpora(rest.rows(rest.labels != data.NONE)),
        train_command=command,
        recipe=RECIPE,
        scores=[
            *protocol.seven("int8", outputs, temperature, test),
            *protocol.seven("float32", protocol.logits(Interpreter(floating), shown), temperature, test),
            *protocol.scores(protocol.INT8, eight, temperatures, voices),
            *protocol.scores(protocol.FLOAT32, full, temperatures, voices),
        ],
        notes=[
            f"int8 against float32 on the {parity.n} held-out clips: {parity.agreement:.2%} equal decisions, "
            f"mean KL divergence {parity.divergence:.4f} nats",
            "the temperature was fitted on what the nets of the other folds say of speakers they have not heard",
            "RAVDESS calm counts as neutral, EMO-DB boredom as none of the seven labels; only RAVDESS has surprise",
            "all three corpora are acted: everyday voices are less marked",
        ],
        input_meanings=[INPUT],
        output_meanings=["logits in the order of labels, before the temperature"],
    )
    save(one, card, out)
    print(f"{out}: {card.bytes:,} bytes")
    for score in card.scores:
        print(f"  {score.model}, {score.protocol}: UAR {score.uar:.2%}, ECE {score.ece:.4f}")


def _speakers(voices: data.Voices, number: int) -> str:
    of = voices.unheard(number)
    return "; ".join(f"{c} {', '.join(sorted(set(voices.speakers[of & (voices.corpora == c)])))}" for c in CLASSES)
