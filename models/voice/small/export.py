"""Exports the small voice networks: int8 files that measure the protocols, and the file that ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from converters.calibration import Row
from converters.tflite import convert
from edge.inference.card import Card, Corpus, Score
from edge.voice.packed import front_end, packed
from models.training import finish
from models.training.finish import Calibration, Converted, Ending, decisions, int8
from models.voice.data import LEVELS
from models.voice.protocols.baseline import baselines
from models.voice.protocols.folds import SHARED, SIZES, head
from models.voice.small import net as small
from models.voice.small.student import Net, embeddings
from models.voice.small.variants import Material

CALIBRATION_ROWS: Final = 400
"""Rows that set the int8 ranges."""
COUNTS: Final = (0, 1, 3, 8, 20)
"""Utterances in the baselines of these rows."""

TERMS: Final = {
    "RAVDESS": "CC BY-NC-SA 4.0, Livingstone & Russo 2018",
    "CREMA-D": "ODbL 1.0 / DbCL 1.0, Cao et al. 2014",
    "EMO-DB": "free for research, Burkhardt et al. 2005",
    "nEMO": "CC BY-NC-SA 4.0, Christop 2024",
    "TESS": "CC BY-NC-ND 4.0, Pichora-Fuller & Dupuis 2020",
}
"""Terms of use of each corpus, for the card."""
RECIPE: Final = (
    "convolutions over the log-mel beside a low-rank layer over 897 functionals; embedding, baseline of the speaker, "
    "one hidden layer; a head for each corpus's classes and one for the seven labels; learnt from labels, from "
    "posteriors that Whisper tiny.en's first three layers give with speakers left out, and their features; "
    "corpora weighed alike; baselines of none to nine utterances, of one emotion in three tenths; mixup, SpecAugment, "
    "crops, reverberation, tempo, vocal-tract and equaliser changes, synthetic noise of -3 to 30 dB SNR; AdamW with "
    "cosine schedule, fixed epochs; the layers after the convolutions trained on; int8 after training"
)
"""Summary of the training for the card."""
INPUTS: Final = (
    "log-mel and standardised functionals of the log-mel and of the pitch, packed into one array",
    "mean embedding of the speaker's other utterances; zeros where there are none",
    "n / (n + 2) for n utterances in the baseline",
)
"""Meaning of the inputs for the card."""
OUTPUTS: Final = (
    "logits, before the temperature",
    "embedding of this utterance, whose mean is the speaker's baseline",
    "arousal and valence, -1 to 1",
)
"""Meaning of the outputs for the card."""


@dataclass(frozen=True)
class Trained:
    """A trained network and what it has learnt."""

    name: str
    """Name of the network in the protocols."""
    net: Net
    """The network."""
    material: Material
    """All clips."""
    heard: NDArray[np.int64]
    """(k,) rows of the clips that it has learnt."""
    command: str
    """Command line that trains it again."""


def corpora(material: Material, rows: NDArray[np.int64]) -> list[Corpus]:
    """The training corpora of a network that learnt these rows, for its card."""
    counts = {name: int((material.spoken.corpora[rows] == name).sum()) for name in TERMS}
    return [Corpus(name=name, terms=TERMS[name], rows=count) for name, count in counts.items() if count]


def features(net: Net, mels: NDArray[np.uint8], values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, 12929) inputs from (n, 188, 64) log-mels as bytes and (n, 897) functionals that are not standardised."""
    return packed(np.asarray(mels / LEVELS, np.float32), net.standard.apply(values))


def calibration(net: Net, material: Material, heard: NDArray[np.int64], seed: int) -> list[Row]:
    """Training clips in all variants, with baselines of none to many utterances, that set the int8 ranges."""
    rng = np.random.default_rng(seed)
    chosen = [str(one) for one in rng.permutation(np.unique(material.spoken.speakers[heard]))]
    rows: list[Row] = []
    for place, speaker in enumerate(chosen):
        of = heard[material.spoken.speakers[heard] == int(speaker)][:40]
        variant = place % len(material.mels)
        mels, values = material.mels[variant][of], material.functionals[variant][of]
        mean, trust = baselines(
            embeddings(net, mels, values), material.spoken.speakers[of], COUNTS[place % len(COUNTS)]
        )
        some = rng.permutation(len(of))[: max(1, round(CALIBRATION_ROWS / len(chosen)))]
        rows += [
            (one[None], mean[i][None], trust[i][None])
            for i, one in zip(some, features(net, mels[some], values[some]), strict=True)
        ]
    return rows


def only(net: Net, name: str) -> Any:
    """The network as it ships, with only the head `name`."""
    top = small.head(SIZES[name])
    # By place: layers without a given name have another in each network.
    for old, new in zip(net.head.layers, top.layers, strict=True):
        if old.name != "logits":
            new.set_weights(old.get_weights())
    kernel, bias = net.head.get_layer("logits").get_weights()
    top.get_layer("logits").set_weights([kernel[:, head(name)], bias[head(name)]])
    return small.device(net.trunk, top)


def converted(trained: Trained, seed: int) -> bytes:
    """The int8 file of a network with all heads. `seed`: of the choice of calibration rows."""
    rows = calibration(trained.net, trained.material, trained.heard, seed)
    return convert(small.device(trained.net.trunk, trained.net.head), "int8", rows, progress=print)


def to_measure(trained: Trained, model: bytes, out: Path, run: Path) -> None:
    """Writes the int8 file `model` of a network that only measures a protocol to `out`, with its card."""
    ending = Ending(
        name=out.stem,
        task="emotion in the voice, measured on speakers left out",
        command=trained.command,
        recipe=RECIPE,
        training=corpora(trained.material, trained.heard),
        front_end=front_end(trained.net.standard),
        quantise=int8(()),
        labels=(),
        output_kind="other",
        notes=["measures the protocol; logits of each corpus's own classes, then of the seven labels"],
        input_meanings=INPUTS,
        output_meanings=OUTPUTS,
    )
    finish.write(Converted(model, b"", None), ending, out, run)


def to_ship(
    trained: Trained,
    held_out: Sequence[Row],
    temperature: float,
    scores: Mapping[str, Sequence[Score]],
    out: Path,
    run: Path,
) -> Card:
    """Writes the shipped file and its card.

    Args:
        trained: The network of fold 0.
        held_out: Inputs of clips of other speakers, on which int8 and float32 are compared.
        temperature: Fitted on other networks' outputs for speakers that they have not heard.
        scores: By the protocols, for the forms `int8` and `float32`.
        out: Path of the file.
        run: Folder of the run.
    """
    net = trained.net
    ending = Ending(
        name=out.stem,
        task="emotion in the voice",
        version="4",
        command=trained.command,
        recipe=RECIPE,
        training=corpora(trained.material, trained.heard),
        front_end=front_end(net.standard),
        quantise=int8(calibration(net, trained.material, trained.heard, 1)),
        parity_rows=held_out,
        calibrate=lambda _: Calibration(temperature),
        score=lambda form, *_: scores[form],
        parity_note=lambda parity: decisions(parity, "held-out clips, without baseline"),
        notes=[
            "the temperature was fitted on what the nets of the other folds say of speakers they have not heard",
            "the posterior assumes that all seven labels are equally frequent",
            "RAVDESS calm counts as neutral, EMO-DB boredom as none of the seven labels",
            "all corpora are acted: everyday voices are less marked",
            "the terms of RAVDESS, nEMO and TESS exclude commercial use",
        ],
        input_meanings=INPUTS,
        output_meanings=OUTPUTS,
    )
    return finish.finish(only(net, SHARED), ending, out, run)
