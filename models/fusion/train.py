"""`python -m models.fusion.train --data DIR`: learns every number of the fusion and writes `models/fusion/fusion.json`.

Only validation data is used: FER2013 PublicTest with the votes of FER+, RAVDESS voices by the nets of the folds that
did not train on their speakers, GoEmotions dev, the dialogues of EmoryNLP, and the human votes of CREMA-D. It prints
its progress; hearing the voices takes some ten minutes, and `--cache` keeps what they gave for the next run.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import math
import sys
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge import shipped
from edge.emotions import COUNT, LABELS, NEUTRAL
from edge.fusion.parameters import (
    SCHEMA,
    LabelNumbers,
    Parameters,
    Reliability,
    SenseNumbers,
    Senses,
    Trust,
    encode,
)
from edge.inference.card import Corpus
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.face import data as faces
from models.fusion import baseline, heard, independence, reliability, samples, stay, steadiness
from models.fusion.reliability import Learnt

VERSION: Final = "1"
"""Version of the numbers."""
UNRELIABLE: Final = 0.02
"""Probability that a sense says nothing. On undisturbed validation data 0 has the lowest loss; with a sense replaced by
noise or mislabelled, 0.03 halves the calibration error and costs 0.005 nats undisturbed. A part of that is already in
the age of the evidence."""
TRUST: Final = Trust(evidence_s=2.0, recovery_s=60.0, lowest=0.05)
"""The online trust: one utterance counts once, and a repaired sense is trusted again after a minute."""
FACE_STALE_S: Final = 1.0
"""A face that has been out of sight for longer is no evidence any more."""
EXPONENTS: Final = (0.0, 0.25, 0.5, 1.0)
"""Exponents of the quality that are tried."""
MEMORIES_S: Final = (0.1, 0.15, 0.2, 0.3)
"""Time constants of the mean over a face's frames that are tried."""
LEADS: Final = (0.1, 0.2)
"""Leads in nats that are tried."""
EVIDENCES: Final = (0.05, 0.1, 0.2)
"""Amounts of evidence for a change of the label that are tried, nat seconds."""
LONGEST_S: Final = 0.4
"""Seconds within which 95 % of the true changes must be reported on validation data; of those that keep it, the numbers
with the fewest changes of the label of a still face are taken."""
SEED: Final = 15
"""Seed of the pairs of utterances and of the noisy pictures."""


def progress(line: str) -> None:
    """Prints one line of progress."""
    print(line, file=sys.stderr, flush=True)


def neutral_share(data: Path) -> float:
    """How often people who see and hear a clip of CREMA-D call it neutral; several winners count in parts."""
    with require(data, "voice/crema_d/summaryTable.csv").open(encoding="utf-8", newline="") as file:
        votes = [row["MultiModalVote"].split(":") for row in csv.DictReader(file)]
    return sum(vote.count("N") / len(vote) for vote in votes) / len(votes)


def second_share(data: Path, seen: Learnt) -> tuple[float, str]:
    """The threshold of the second label, and how well it finds the pictures in which people see two feelings.

    These are the faces of PublicTest for which at least three of the ten raters of FER+ chose a second label. With this
    threshold a second label is reported for as many pictures as there are of these.
    """
    votes = faces.load(require(data, faces.FILE), "public").votes
    two = np.sort(votes, axis=1)[:, -2] >= 3
    share = np.sort(np.exp(seen.log_posterior), axis=1)
    ratio = share[:, -2] / (share[:, -2] + share[:, -1])
    threshold = round(float(np.quantile(ratio, 1 - two.mean())), 3)
    found = ratio >= threshold
    return threshold, (
        f"second_share: reported as often as three of ten raters of FER+ see a second emotion, {two.mean():.0%} of the "
        f"faces; they do in {two[found].mean():.0%} of those that it finds"
    )


def steady(pictures: list[NDArray[np.float64]], numbers: Parameters) -> tuple[Parameters, steadiness.Steadiness]:
    """The numbers with the steadiest label of those that follow a true change in time, and what they measure."""
    tried = []
    for memory, lead, evidence in itertools.product(MEMORIES_S, LEADS, EVIDENCES):
        face = msgspec.structs.replace(numbers.senses.face, memory_s=memory)
        changed = msgspec.structs.replace(
            numbers,
            senses=msgspec.structs.replace(numbers.senses, face=face),
            label=LabelNumbers(lead_nats=lead, evidence_nat_s=evidence),
        )
        found = steadiness.measure(pictures, changed, SEED)
        progress(f"memory {memory} s, lead {lead}, evidence {evidence}: {found}")
        tried.append((found.reported_s > LONGEST_S, found.changes_per_minute, found.reported_s, changed, found))
    *_, best, found = min(tried, key=lambda one: one[:3])
    return best, found


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m models.fusion.train", description=__doc__)
    add_data_option(parser)
    parser.add_argument("--out", type=Path, default=shipped.fusion(), help="file to write (%(default)s)")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep there what the voices gave")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="hear only every N-th voice (%(default)s)")
    arguments = parser.parse_args()
    data = require(arguments.data, "text").parent
    notes = []

    def report(sense: str, learnt: Learnt) -> None:
        line = (
            f"{sense}: {learnt.before:.4f} -> {learnt.after:.4f} nats out of fold, penalty {learnt.strength}, "
            f"quality exponent {learnt.exponent}"
        )
        notes.append(line)
        progress(line)

    of_face = []
    faces_learnt = []
    for size in ("small", "large"):
        seen, card = samples.face(data, "public", size)
        learnt = reliability.learn(seen, card)
        report(f"face {size}", learnt)
        faces_learnt.append(learnt)
        of_persons = baseline.learn(seen, baseline.HALF_SECONDS)
        of_face.append(msgspec.structs.replace(learnt.reliability, baseline=of_persons))
    seen, card = samples.words(data, "dev")
    words = reliability.learn(seen, card, (0.0, 0.5))
    report("words", words)
    parts = samples.of(independence.sentences(data))
    coefficients = np.column_stack([words.reliability.matrix, words.reliability.bias])
    given = reliability.inputs(parts, np.asarray(words.reliability.prior), words.exponent)
    words_independence = independence.learn(
        reliability.log_posterior(coefficients, given), parts.label, parts.group, SEED
    )
    voices = heard.voices(require(data, "voice"), False, every=arguments.every, cache=arguments.cache, report=progress)
    # Whole utterances alone, because an interim observation gives way to them within a second or two.
    rows = [(one, clip.label, clip.speaker) for clip in voices for one in clip.observations if one.final]
    spoken = samples.of(rows)
    voice = reliability.learn(spoken, heard.held_out_sense(0).card, EXPONENTS)
    report("voice", voice)
    voice_independence = independence.learn(voice.log_posterior, spoken.label, spoken.group, SEED)
    dialogues = stay.learn(data)
    progress(f"an emotion stays {dialogues.stay_s} s (consistency {dialogues.consistency}, {dialogues.pairs} pairs)")
    neutral = round(neutral_share(data), 4)
    prior = [neutral if index == NEUTRAL else round((1 - neutral) / (COUNT - 1), 6) for index in range(COUNT)]

    def numbers(of: list[Reliability], learnt: Learnt, independent: float, *, face: bool = False) -> SenseNumbers:
        return SenseNumbers(
            reliability=tuple(of),
            unreliable=UNRELIABLE,
            quality_exponent=learnt.exponent or float(face),
            memory_s=MEMORIES_S[0] if face else dialogues.stay_s,
            independence=independent,
            stay_s=dialogues.stay_s,
            stale_s=FACE_STALE_S if face else round(dialogues.stay_s * math.log(2), 1),
        )

    second, of_second = second_share(data, faces_learnt[0])
    parameters = Parameters(
        schema=SCHEMA,
        version=VERSION,
        labels=LABELS,
        prior=tuple(prior),
        senses=Senses(
            face=numbers(of_face, faces_learnt[0], 0.0, face=True),
            voice=numbers([voice.reliability], voice, voice_independence),
            words=numbers([words.reliability], words, words_independence),
        ),
        trust=TRUST,
        label=LabelNumbers(lead_nats=LEADS[0], evidence_nat_s=EVIDENCES[0]),
        second_share=second,
        training=(
            Corpus(name="FER2013 PublicTest with FER+ votes", terms="ICML-2013 challenge images; votes MIT", rows=3589),
            Corpus(name="RAVDESS, actors of folds 1 to 4", terms="CC BY-NC-SA 4.0", rows=len(voices)),
            Corpus(name="GoEmotions dev, single label", terms="CC BY 4.0", rows=len(seen)),
            Corpus(name="EmoryNLP, pairs of utterances", terms="Apache-2.0", rows=dialogues.pairs),
            Corpus(name="CREMA-D, human votes", terms="ODbL 1.0 / DbCL 1.0", rows=7442),
        ),
        train_command="python -m models.fusion.train --data DIR",
    )
    parameters, found = steady(steadiness.frames(data, "public", 4, SEED), parameters)
    notes += [
        f"stay_s: maximum likelihood over pairs of utterances, label consistency {dialogues.consistency}",
        "prior: how often people who see and hear CREMA-D name neutral; the other labels share the rest alike",
        f"unreliable: {UNRELIABLE}, chosen, not learnt: just below 0.03, the lowest that was compared",
        "independence: pairs of utterances of one actor with one emotion; pairs of sentences of one text; frames: none",
        f"memory_s of the face and label: {found.changes_per_minute} changes a minute of {found.pictures} still noisy "
        f"faces, {found.pairs} true changes reported in {found.reported_s} s (95 %)",
        of_second,
        "trust, stale_s and the quality exponent of the face: chosen, not learnt",
    ]
    arguments.out.write_bytes(encode(msgspec.structs.replace(parameters, notes=tuple(notes))))
    progress(f"wrote {arguments.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
