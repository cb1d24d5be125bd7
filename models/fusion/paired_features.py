"""The declared pairing at feature level: each sense alone, product, learnt product, concatenation, adaptive network.

The test half of `models.fusion.pairing`, with the embeddings of the senses. The learnt product and the adaptive network
are the device's own fusion in its two modes, at 2 s; the others are about the last observation of each sense. The plain
concatenation of the embeddings is trained like the adaptive network, from the same pairs, without gates.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge import config, shipped
from edge.emotions import COUNT, LABELS
from edge.face.expression import Expression
from edge.inference.posterior import softmax
from edge.observation import SENSES, Observation, Transcript
from edge.words.sense import WordsSense
from models.corpora import require
from models.face import data as faces
from models.fusion import feature_level, heard, pairing, trial
from models.fusion.rows import Row, row
from models.voice.protocols.noise import mixed
from models.words import corpora

PROTOCOL: Final = "declared pairing at feature level: FER2013 PrivateTest, RAVDESS, GoEmotions test"
"""Name of the protocol; the trials are those of `pairing.SEED`."""
QUICK_PER_LABEL: Final = 40
"""Triples of each label in a quick run."""
RUNS: Final = Path("runs") / "fusion.feature_level"
"""Where the training program keeps the embeddings of its corpora."""
SEED: Final = 2013
"""Seed of the concatenation's weights and pairs."""


def material(data: Path, quick: bool) -> pairing.Material:
    """The test half of the pairing with embeddings; a quick run takes a part of the corpora."""
    expression = Expression(shipped.model("face", "face_small"))
    known = faces.load(require(data, faces.FILE), "private")
    kept = [
        int(row)
        for label in range(COUNT)
        for row in np.flatnonzero(known.labels == label)[: QUICK_PER_LABEL if quick else None]
    ]
    pictures = []
    for number in kept:
        posterior, embedding = expression.read(known.images[number])
        pictures.append(Observation("face", 0.0, posterior, 1.0, embedding=embedding))
    sense = WordsSense(config.Words())
    require(data, "text/goemotions")
    texts = []
    for text, labels in corpora.goemotions(data, "test"):
        seen = sense.read(Transcript(text, 0.0)) if len(labels) == 1 else None
        if seen is not None:
            texts.append((seen, LABELS.index(labels[0])))
    clips = [one for one in heard.labelled(require(data, "voice"), ("RAVDESS",)) if one[0].fold == 0]
    ears, nothing = heard.held_out_sense(0), np.zeros(1, np.float32)
    voices = []
    for number, (clip, label) in enumerate(clips[:: 3 if quick else 1]):
        found = heard.hear(ears, mixed(clip.read(), nothing, None, np.random.default_rng((pairing.SEED, number))))
        if found:
            voices.append((label, found))
    return pairing.Material(
        faces=pictures,
        face_labels=[int(known.labels[number]) for number in kept],
        voices=[found for _, found in voices],
        voice_labels=[label for label, _ in voices],
        texts=[seen for seen, _ in texts],
        text_labels=[label for _, label in texts],
    )


def rows(data: Path, quick: bool) -> Iterator[Row]:
    """The rows of the table."""
    trials = pairing.trials(material(data, quick), per_label=QUICK_PER_LABEL if quick else pairing.PER_LABEL)
    truth = np.array([one.label for one in trials])
    everything = "+".join(SENSES)
    posteriors = {sense: np.array([one.streams[sense][-1].posterior for one in trials]) for sense in SENSES}
    for sense in SENSES:
        yield row(PROTOCOL, sense, sense, posteriors[sense], truth)
    logs = sum(np.log(np.maximum(found, 1e-6)) for found in posteriors.values())
    yield row(PROTOCOL, "product", everything, softmax(np.asarray(logs)), truth)
    yield row(PROTOCOL, "concatenation", everything, concatenated(trials, data), truth)
    masks = [mask for mask in trial.SUBSETS if mask.senses == SENSES or not quick]
    if not quick:
        masks += trial.DISTURBANCES
    for name, mode in (("learnt product", "decision"), ("adaptive", "feature")):
        for mask in masks:
            disturbed = replace(mask, disturb=_with_embedding(mask.disturb)) if mode == "feature" else mask
            found = trial.play(trials, disturbed, pairing.SEED, times=(2.0,), mode=mode)  # type: ignore[arg-type]
            yield row(PROTOCOL, f"{name}, at 2 s", mask.name, found.posterior[2.0], truth, decided=found.decided[2.0])


def concatenated(trials: list[pairing.Trial], data: Path) -> NDArray[np.float64]:
    """(n, 7) posteriors of the plain concatenation of the embeddings, trained now on the training pairs."""
    pools, _ = feature_level.extracted(data, RUNS, False)
    learnt = {sense: feature_level.split(found, False) for sense, found in pools.items()}
    model = feature_level.train(learnt, 20, feature_level.STEPS, SEED, adaptive=False)
    inputs = [np.array([one.streams[sense][-1].embedding for one in trials]) for sense in SENSES]
    return softmax(model([*inputs, np.ones((len(trials), len(SENSES)), np.float32)]).numpy())


def _with_embedding(disturb: trial.Disturb | None) -> trial.Disturb | None:
    """The mask for features: what a disturbance does to posteriors cannot be done to embeddings, so they are lost."""
    if disturb is None:
        return None

    def changed(stream: tuple[Observation, ...], rng: np.random.Generator) -> tuple[Observation, ...]:
        return tuple(
            seen if seen.posterior == before.posterior else replace(seen, embedding=None)
            for seen, before in zip(disturb(stream, rng), stream, strict=True)
        )

    return changed
