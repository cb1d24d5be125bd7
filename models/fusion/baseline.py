"""`python -m models.fusion.baseline --data DIR`: what a person's baseline is worth, and whether it eats an emotion.

Utterances of speakers whom the model did not train on follow each other in random order, and each is corrected by what
the speaker's earlier ones have taught (`edge.fusion.baseline`). Once all emotions occur, and once the speaker is shown
in one emotion only, which the baseline must leave visible. Neutral is recognised by the same sense alone, or by the
other sense of the same RAVDESS takes: the published posteriors of voice and face (action units) on those actors.

The population's means in `models/fusion/fusion.json` come from `learn`, called by `models.fusion.train`. The other
numbers are not independent of these speakers: strength, half amount and the own gate were chosen on CREMA-D, RAVDESS
and EMO-DB, and the gates for the other senses and the floor after first results on RAVDESS had been seen.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from edge.emotions import COUNT, LABELS, NEUTRAL
from edge.fusion.baseline import Baseline, BaselineNumbers
from edge.inference.interpreter import open_model
from edge.inference.posterior import softmax
from edge.voice.standardizer import Standardizer
from models.command import one_line_errors
from models.corpora import add_data_option, require
from models.fusion.rows import Row, row
from models.fusion.samples import Samples
from models.voice import data as voice_data
from models.voice import features
from models.voice.clips import sounds
from models.voice.protocols import held_out
from models.voice.protocols.folds import FOLD_COUNT

STRENGTH: Final = 0.5
"""Share of a person's deviation that is subtracted in the end: the oracle means of CREMA-D's speakers gain as much with
0.5 as with 1, at half the harm to a speaker shown in one emotion."""
BOUND: Final = 1.0
"""Largest correction of a log-probability, nats."""
OTHER_GATE: Final = 0.5
"""Probability of neutral by the other senses from which an observation counts as neutral."""
OWN_FLOOR: Final = round(1 / COUNT, 3)
"""Probability of neutral by the observation itself below which the others are not believed: where it finds neutral less
likely than chance, the others more often err."""
OWN_GATE: Final = 0.7
"""Probability of neutral by the observation itself from which it counts; below it, emotions taken for neutral are
learnt as neutral, and eaten."""
LEAST_QUALITY: Final = 0.3
"""Observations of lower quality teach nothing."""
HALF_UTTERANCES: Final = 2.0
"""Neutral utterances after which the baseline of a voice has half of its final weight: the variance of CREMA-D's
log-posteriors within a speaker is 2 to 6 times that between speakers."""
HALF_SECONDS: Final = 8.0
"""The same for a face, in seconds: the length of two utterances and a pause, since the frames of one look are alike."""
MOST: Final = 30.0
"""Amount of evidence beyond which older evidence fades, in multiples of the half amount."""

SEED: Final = 7
"""Seed of the orders of the utterances."""
ORDERS: Final = 8
"""Number of random orders of the utterances of each speaker."""
AFTER: Final = (1, 3, 8)
"""Numbers of earlier utterances after which is measured."""
CLIP_S: Final = 3.5
"""Seconds of face that a RAVDESS take stands for; they last about 3.7 s."""
_FLOOR: Final = 1e-3
"""Lower bound of the published probabilities, of which some are 0."""

RAVDESS_CODES: Final = ("neutral", "neutral", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
"""Label of each column of the published face posteriors: RAVDESS's codes 01 (neutral), 02 (calm), …"""
VOICE_COLUMNS: Final = ("anger", "neutral", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
"""Label of each column of the published voice posteriors: RAVDESS's classes in alphabetical order."""


def learn(samples: Samples, half_amount: float) -> BaselineNumbers:
    """The numbers of the baselines of one model.

    Args:
        samples: Observations of the model on people whom it did not train on.
        half_amount: `HALF_SECONDS` or `HALF_UTTERANCES`.
    """
    logs = np.log(np.maximum(samples.posterior, _FLOOR))
    neutral = samples.posterior[:, NEUTRAL]
    # Labels weigh alike, because nobody knows how often each occurs among those whom a model takes for neutral.
    weight = neutral * (neutral > OWN_GATE) / np.bincount(samples.label, minlength=COUNT)[samples.label]
    own = weight @ logs / weight.sum() if weight.sum() > 0 else logs[samples.label == NEUTRAL].mean(0)
    return BaselineNumbers(
        neutral=tuple(logs[samples.label == NEUTRAL].mean(0).round(4).tolist()),
        own_neutral=tuple(own.round(4).tolist()),
        half_amount=half_amount,
        most_amount=MOST * half_amount,
        strength=STRENGTH,
        bound=BOUND,
        other_gate=OTHER_GATE,
        own_floor=OWN_FLOOR,
        own_gate=OWN_GATE,
        least_quality=LEAST_QUALITY,
    )


@dataclass(frozen=True)
class Case:
    """One sense of one corpus, of which the persons' baselines are measured."""

    name: str
    """Name of the corpus and of what tells neutral."""
    mask: str
    """The sense."""
    numbers: Mapping[int, BaselineNumbers]
    """Person → the numbers of the person's baseline."""
    amount: float
    """Amount of evidence that one utterance stands for."""
    posterior: NDArray[np.float64]
    """(n, 7) posteriors of the sense."""
    label: NDArray[np.int64]
    """(n,) indices of the true labels."""
    person: NDArray[np.int64]
    """(n,) numbers of the persons."""
    other: NDArray[np.float64] | None
    """(n,) probability of neutral by the other sense; None if there is no other."""


def corrected(case: Case, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k, 7) posteriors of the utterances `rows` of one person in their order, each by what the earlier ones taught."""
    baseline = Baseline(case.numbers[int(case.person[rows[0]])])
    found = np.empty((len(rows), COUNT))
    for position, index in enumerate(rows):
        posterior = tuple(case.posterior[index].tolist())
        found[position] = baseline.correct(posterior)
        baseline.learn(posterior, 1.0, case.amount, None if case.other is None else float(case.other[index]))
    return found


def measure(case: Case, quick: bool = False) -> Iterator[Row]:
    """Yields the scores with and without baselines, for all emotions mixed and for one emotion only."""
    rng = np.random.default_rng(SEED)
    for regime in ("all emotions mixed", "one emotion only"):
        found: dict[int, list[tuple[NDArray[np.int64], NDArray[np.float64]]]] = {after: [] for after in AFTER}
        for person in case.numbers:
            known = np.flatnonzero(case.person == person)
            if len(known) == 0:
                continue
            kinds = np.unique(case.label[known]) if regime == "one emotion only" else (None,)
            for kind in kinds:
                of = known if kind is None else known[case.label[known] == kind]
                for _ in range(1 if quick else ORDERS):
                    order = rng.permutation(of)
                    after_all = corrected(case, order)
                    for after in AFTER:
                        # One utterance of a speaker is too few to measure, and much later ones have another baseline.
                        window = slice(after, after + max(2, after))
                        found[after].append((order[window], after_all[window]))
        for after in AFTER:
            rows = np.concatenate([order for order, _ in found[after]])
            if len(rows) == 0:
                continue
            name = f"baseline, {case.name}, {regime}, after {after * case.amount:g} {_unit(case)}"
            truth = case.label[rows]
            yield row(name, "with baseline", case.mask, np.concatenate([each for _, each in found[after]]), truth)
            yield row(name, "without", case.mask, case.posterior[rows], truth)


def _unit(case: Case) -> str:
    return "s" if case.mask == "face" else "utterances"


def voices(data: Path, quick: bool = False) -> Iterator[Row]:
    """Yields the rows of the shipped voice model's nets on the speakers whom each held out."""
    folder = require(data, "voice")
    clips = [clip for clip in sounds(folder) if not quick or clip.fold == 0]
    heard = voice_data.load(clips)
    opened = [open_model(held_out.file(number)) for number in range(FOLD_COUNT)]
    nets = [(net, Standardizer.read(card.front_end)) for net, card in opened]
    logits = held_out.out_of_fold(nets, features.of(heard), heard)[:, held_out.SEVEN]
    temperatures = np.array([card.temperature for _, card in opened])
    posterior = softmax(logits / temperatures[heard.folds][:, None])
    seen = _published(data, "au_mlp", RAVDESS_CODES)
    for corpus in ("RAVDESS", "EMO-DB"):
        here = (heard.corpora == corpus) & (heard.labels != voice_data.NONE)
        persons = np.array([int(speaker) for speaker in heard.speakers[here]])
        numbers = _by_halves(posterior[here], heard.labels[here], persons, HALF_UTTERANCES)
        given = (numbers, 1.0, posterior[here], heard.labels[here], persons)
        yield from measure(Case(f"{corpus} voices alone", "voice", *given, None), quick)
        if corpus == "RAVDESS":
            # The clips of RAVDESS come in the order of their names.
            names = sorted(path.stem for path in (folder / "ravdess").glob("Actor_*/*.flac"))
            takes = [_take(name) for name in names if int(name[-2:]) in persons]
            other = np.array([seen[take][NEUTRAL] for take in takes])
            yield from measure(Case("RAVDESS voices with faces", "voice", *given, other), quick)


def faces(data: Path, quick: bool = False) -> Iterator[Row]:
    """Yields the rows of the published face model (action units) on the actors whom each of its folds held out."""
    seen = _published(data, "au_mlp", RAVDESS_CODES)
    heard = _published(data, "wav2vec", VOICE_COLUMNS, logits=True)
    posterior = np.array(list(seen.values()))
    label = np.array([LABELS.index(RAVDESS_CODES[int(take.split("-")[0]) - 1]) for take in seen])
    person = np.array([int(take[-2:]) for take in seen])
    numbers = _by_halves(posterior, label, person, HALF_SECONDS)
    kept = person <= 4 if quick else np.ones(len(person), bool)
    other = np.array([heard[take][NEUTRAL] for take in seen])
    for title, by in (("RAVDESS faces alone", None), ("RAVDESS faces with voices", other[kept])):
        yield from measure(Case(title, "face", numbers, CLIP_S, posterior[kept], label[kept], person[kept], by), quick)


def _by_halves(
    posterior: NDArray[np.float64], label: NDArray[np.int64], person: NDArray[np.int64], half_amount: float
) -> dict[int, BaselineNumbers]:
    """Person → numbers, learnt from the persons whose number is odd if this one is even, and the other way round.

    Args:
        posterior: (n, 7) posteriors.
        label: (n,) indices of the true labels.
        person: (n,) numbers of the persons.
        half_amount: `HALF_SECONDS` or `HALF_UTTERANCES`.
    """
    parity = person % 2
    of_parity = {
        half: learn(_samples(posterior[parity != half], label[parity != half]), half_amount)
        for half in (0, 1)
        if (parity != half).any()
    }
    return {int(number): of_parity[int(number) % 2] for number in np.unique(person) if int(number) % 2 in of_parity}


def _samples(posterior: NDArray[np.float64], label: NDArray[np.int64]) -> Samples:
    return Samples(posterior, np.ones(len(label)), label, np.arange(len(label)))


def _take(name: str) -> str:
    """What the names of sound and film of one RAVDESS take have in common: all but the modality and the channel."""
    return name.split("-", 2)[2]


def _published(
    data: Path, model: str, columns: tuple[str, ...], *, logits: bool = False
) -> dict[str, NDArray[np.float64]]:
    """Take of RAVDESS → the (7,) probabilities by the fold that held its actor out.

    Args:
        data: Folder of the corpora.
        model: `wav2vec` (voice) or `au_mlp` (face).
        columns: Label of each column.
        logits: Whether the columns are logits rather than probabilities.
    """
    folder = require(data, "av/ravdess")
    onto = np.array([[float(label == name) for label in LABELS] for name in columns])
    found: dict[str, NDArray[np.float64]] = {}
    for path in sorted(folder.glob(f"{model}_posteriors_fold*.csv")):
        with path.open(newline="") as file:
            for line in csv.DictReader(file, delimiter=";"):
                values = np.array([float(line[f"embs{column}"]) for column in range(len(columns))])
                posterior = np.maximum((softmax(values) if logits else values) @ onto, _FLOOR)
                name = line.get("video_name") or line["name"]
                found[_take(Path(name).stem)] = posterior / posterior.sum()
    return found


@one_line_errors
def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m models.fusion.baseline",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data_option(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a row")
    parser.add_argument("--quick", action="store_true", help="only some speakers, in one order")
    arguments = parser.parse_args()
    for protocol in (faces, voices):
        for found in protocol(arguments.data, arguments.quick):
            if arguments.json:
                print(msgspec.json.encode(found).decode(), flush=True)
            else:
                print(f"{found.protocol:<80} {found.fusion:<14} UAR {found.uar:.1%}  ECE {found.ece:.3f}  n {found.n}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
