"""The declared pairing: a face, a voice and a sentence of the same label, put together because no corpus has all three.

Test: faces of FER2013 PrivateTest, RAVDESS voices of the actors whom the shipped voice model did not train on, through
the device's ears, and texts of GoEmotions test with a single label. Validation: PublicTest, the other RAVDESS actors by
the nets of the folds that did not train on them, and GoEmotions dev. Of each label, `PER_LABEL` triples are drawn;
where a corpus has fewer items of a label, they are drawn again. The senses' errors are independent by construction,
which they are not in one person.

In a trial the voice's utterance ends at time 0 and the sentence is read at the same moment; the still face is seen from
then on at the frame rate. `models.fusion.trial` plays trials to the fusion.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np

from edge.emotions import COUNT
from edge.observation import Observation, Sense
from models.corpora import require
from models.fusion import heard, samples

SEED: Final = 15
"""Seed of the pairing."""
PER_LABEL: Final = 150
"""Number of triples of each label."""

Split: TypeAlias = Literal["test", "validation"]
"""Part of the corpora."""


@dataclass(frozen=True)
class Material:
    """Everything that trials are put together from: for each sense a list of items, an item is what it observes."""

    faces: Sequence[Observation]
    """One observation for each picture."""
    face_labels: Sequence[int]
    """The true label of each picture."""
    voices: Sequence[Sequence[Observation]]
    """The observations of each clip, in the order of time."""
    voice_labels: Sequence[int]
    """The true label of each clip."""
    texts: Sequence[Observation]
    """One observation for each text."""
    text_labels: Sequence[int]
    """The true label of each text."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One triple."""

    label: int
    """Index of the true label."""
    streams: dict[Sense, tuple[Observation, ...]]
    """Sense → its observations in the order of time. The last one is captured at time 0."""


def material(
    data: Path,
    split: Split,
    report: Callable[[str], None] = lambda _: None,
    *,
    every: int = 1,
    cache: Path | None = None,
) -> Material:
    """Lets the senses observe one part of the corpora.

    Args:
        data: Folder of the corpora.
        split: `test` or `validation`.
        report: Receives lines of progress.
        every: Only every `every`-th voice is heard.
        cache: Folder in which what the voices gave is kept; None to hear them again.
    """
    faces, _ = samples.face(data, "private" if split == "test" else "public")
    texts, _ = samples.words(data, "test" if split == "test" else "dev")
    report(f"{len(faces)} faces, {len(texts)} texts")
    found = heard.voices(require(data, "voice"), split == "test", every=every, cache=cache, report=report)
    voices = [(one.label, one.observations) for one in found if one.seen]
    return Material(
        faces=_observations("face", faces),
        face_labels=faces.label.tolist(),
        voices=[seen for _, seen in voices],
        voice_labels=[label for label, _ in voices],
        texts=_observations("words", texts),
        text_labels=texts.label.tolist(),
    )


def _observations(sense: Sense, found: samples.Samples) -> list[Observation]:
    rows = zip(found.posterior.tolist(), found.quality.tolist(), strict=True)
    return [Observation(sense, 0.0, tuple(posterior), quality) for posterior, quality in rows]


def trials(found: Material, seed: int = SEED, per_label: int = PER_LABEL) -> list[Trial]:
    """Draws the triples of all labels.

    Args:
        found: What the senses observed.
        seed: Seed of the drawing.
        per_label: Number of triples of each label.
    """
    rng = np.random.default_rng(seed)

    def drawn(labels: Sequence[int], label: int) -> list[int]:
        rows = np.flatnonzero(np.asarray(labels) == label)
        return [int(row) for row in rng.choice(rows, per_label, replace=len(rows) < per_label)]

    made = []
    for label in range(COUNT):
        picked = [drawn(labels, label) for labels in (found.face_labels, found.voice_labels, found.text_labels)]
        for face, voice, text in zip(*picked, strict=True):
            ended = found.voices[voice][-1].captured_at
            heard_before = tuple(replace(one, captured_at=one.captured_at - ended) for one in found.voices[voice])
            made.append(
                Trial(label, {"face": (found.faces[face],), "voice": heard_before, "words": (found.texts[text],)})
            )
    return made
