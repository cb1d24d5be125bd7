"""Exports the large voice model: the heads that measure the protocols, and the file that ships."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from converters.cards import make_card, save
from converters.tflite import convert
from edge.emotions import LABELS
from edge.inference.card import Card, Corpus, Score
from edge.inference.interpreter import Interpreter
from edge.voice.whisper_mel import FRONT_END
from models.training.fit import append_to_log
from models.voice.data import NONE
from models.voice.large import measure, whole
from models.voice.large.batches import chances
from models.voice.large.floating import FloatHead
from models.voice.protocols import scores as protocol
from models.voice.protocols.folds import CLASSES, SHARED
from models.voice.protocols.reading import Nets
from models.voice.utterances import Utterances
from models.voice.whisper import weights

TERMS: Final = {
    "RAVDESS": "CC BY-NC-SA 4.0, Livingstone & Russo 2018",
    "CREMA-D": "ODbL 1.0 / DbCL 1.0, Cao et al. 2014",
    "EMO-DB": "free for research, Burkhardt et al. 2005",
    "nEMO": "CC BY-NC-SA 4.0, Christop 2024",
    "TESS": "CC BY-NC-ND 4.0, Pichora-Fuller & Dupuis 2020",
}
"""Terms of use of each corpus, for the card."""
RECIPE: Final = (
    "Whisper tiny.en's encoder cut after its second layer, frozen, on windows of at most 3 s; mean and deviation over "
    "time of both layers; a linear embedding of 128 numbers, of which the speaker's baseline is subtracted, shrunk "
    "by the number of its utterances; one hidden layer of 256; a head for each corpus's classes and one for the seven "
    "labels, arousal and valence; corpora and classes weighed alike, label smoothing, mixup, dropout; baselines of 0 "
    "to 30 utterances in skewed mixtures, speakers' means moved at random; variants with crops, tempo, vocal tract, "
    "channel and made-up noise of -3 to 30 dB SNR; AdamW with cosine schedule, fixed epochs; int8 weights per channel, "
    "float activations"
)
"""Summary of the training for the card."""
LEAST_SHARE: Final = 0.001
"""Lowest prior of a label; one that the corpora do not have would otherwise have none."""
INPUTS: Final = (
    "log-mel of at most 3 s of speech, 0…1 relative to the loudest cell; frames after its end are 0",
    "mean embedding (output 1) of earlier utterances of the same speaker; zeros if there are none",
    "trust in the baseline: n / (n + 2) for the mean of n utterances; 0 if there are none",
)
"""Meanings of the inputs for the card."""
OUTPUTS: Final = (
    "logits in the order of labels, before the temperature",
    "embedding of this utterance alone, whatever the baseline",
    "arousal and valence, -1…1",
    "mean and deviation over time of the encoder's first and second layer",
)
"""Meanings of the outputs for the card."""


def quantised(model: Any) -> bytes:
    """Conversion to int8 weights, per output channel, with float activations."""
    return convert(model, "dynamic", per_channel_dense=True)


def corpora(spoken: Utterances) -> list[Corpus]:
    """The training corpora of a network that has learnt these clips, for its card."""
    rows = [(name, terms, int((spoken.corpora == name).sum())) for name, terms in TERMS.items()]
    return [weights.CORPUS, *(Corpus(name=name, terms=terms, rows=count) for name, terms, count in rows if count)]


def prior(heard: Utterances) -> list[float]:
    """Share of each of the seven labels in the batches that train, which the posterior assumes."""
    known = heard.labels != NONE
    share = np.bincount(heard.labels[known], chances(heard)[known], minlength=len(LABELS))
    share = np.maximum(share / share.sum(), LEAST_SHARE)
    return [round(float(one), 6) for one in share / share.sum()]


def write(trained: Mapping[str, Any], spoken: Utterances, folder: Path, command: str, out: Path, run: Path) -> Card:
    """Writes the heads into a folder beside `out`, and the shipped model to `out`, each with its card.

    Args:
        trained: The heads by name; the first one ships.
        spoken: All clips.
        folder: Folder of the voice corpora.
        command: Command line that trains the same heads again.
        out: Path of the shipped model.
        run: Folder of the run, for its log and for what is measured.

    Returns:
        The card of the shipped model.

    Raises:
        ConversionError: A model cannot be converted or written.
    """
    first = next(iter(trained))
    free = len(trained) == 1
    data = quantised(whole.build(weights.fetch(), trained[first]))
    encoder = Interpreter(data, out.name)
    shown = measure.statistics(encoder, folder, print, run / "measured.npz")
    heads = {name: quantised(model) for name, model in trained.items()}
    found: list[Score] = []
    scale = 1.0
    forms: dict[str, Nets] = {
        "int8 weights": {name: Interpreter(head, name) for name, head in heads.items()},
        "float32 head": {name: FloatHead(model) for name, model in trained.items()},
    }
    for form, nets in forms.items():
        measured = measure.scores(f"large, {form}", nets, shown, print, only=first if free else "")
        found += measured.scores
        scale = measured.temperatures[first] if form == "int8 weights" else scale
    if not free:
        for name, head in heads.items():
            _write_head(name, head, spoken, command, measure.file(name, out))
    heard = spoken.rows(protocol.heard(spoken, first) & np.isin(spoken.corpora, CORPORA_OF[free]))
    card = make_card(
        data,
        name="voice-large-free" if free else "voice-large",
        task="emotion in the voice",
        file=out.name,
        version="1",
        output_kind="logits",
        labels=LABELS,
        temperature=round(scale, 4),
        prior=prior(heard),
        front_end=FRONT_END,
        training=corpora(heard),
        train_command=command,
        recipe=RECIPE,
        scores=found,
        notes=[
            "the temperature was fitted on what the other heads say of speakers they have not heard",
            "RAVDESS calm counts as neutral, EMO-DB boredom as none of the seven labels",
            "all corpora are acted: everyday voices are less marked",
            "int8 weights are quantised per channel, which tflite-runtime 2.14 cannot run",
        ],
        input_meanings=INPUTS,
        output_meanings=OUTPUTS,
    )
    save(data, card, out)
    append_to_log(run, {"finished": card.name, "command": command, "sha256": card.sha256})
    return card


CORPORA_OF: Final = {True: ("CREMA-D", "EMO-DB"), False: tuple(TERMS)}
"""Corpora of a model from free corpora only, and of the others."""


def _write_head(name: str, head: bytes, spoken: Utterances, command: str, path: Path) -> None:
    every = (*CLASSES.items(), (SHARED, LABELS))
    card = make_card(
        head,
        name=f"large_{name}",
        task="emotion in the voice, measured on speakers left out",
        file=path.name,
        version="1",
        output_kind="other",
        labels=[f"{corpus} {one}" for corpus, names in every for one in names],
        training=corpora(spoken.rows(protocol.heard(spoken, name))),
        train_command=command,
        recipe=RECIPE,
        notes=["one of the heads that measure the protocols; it reads the statistics that the shipped model gives"],
        input_meanings=["statistics of the encoder", *INPUTS[1:]],
        output_meanings=["logits of each corpus's classes, then of the seven labels", *OUTPUTS[1:3]],
    )
    save(head, card, path)
